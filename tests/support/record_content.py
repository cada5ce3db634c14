"""Made-up content of a record of each kind, as JSON would hold it."""

from typing import Any

NUMBERS: dict[str, dict[str, Any]] = {
    "training": {
        "kind": "training",
        "epochs": [{"epoch": 0, "step": 10, "loss": 1.5, "learning_rate": 0.001, "duration_s": 2.0}],
        "steps": 10, "images_seen": 20, "final_loss": 1.5, "selection": "last", "selection_split": None,
        "step_median_ms": 100.0, "peak_memory_bytes": 1000, "device": "cpu", "precision": "float32",
    },
    "evaluation": {
        "kind": "evaluation", "miou_percent": 60.0, "majority_miou_percent": 25.0, "pixel_accuracy_percent": 75.0,
        "miou_interval": {"low": 59.0, "high": 61.0, "level": 0.95, "method": "bootstrap"}, "absent_classes": "zero",
        "classes": [
            {"name": "Sky", "iou_percent": 60.0, "pixels": 8}, {"name": "Road", "iou_percent": 60.0, "pixels": 8},
        ],
        "confusion_matrix": [[6, 2], [2, 6]], "ignored_pixels": 3,
        "input_height": 64, "input_width": 128, "device": "cpu",
    },
    "latency": {
        "kind": "latency", "device": "cpu", "device_name": "Test", "engine": "eager", "precision": "float32",
        "tf32": False,
        "batch_norm": "folded", "batch": 1, "input_height": 64, "input_width": 128, "clock_stages": ["forward"],
        "smoke": True, "samples": 5, "warmup_samples": 1, "processes": 1, "prepare_s": 0.1, "median_ms": 10.0,
        "median_interval": None, "mean_ms": 10.0, "p90_ms": None, "p99_ms": None, "fps": 100.0,
        "peak_memory_bytes": None, "samples_file": None, "samples_sha256": None, "conditions": {"load_mean": 0.5},
        "verdict": {"verdict": "VALID", "reasons": []},
    },
    "bench": {
        "kind": "bench", "device": "cpu", "device_name": "Test", "clock": "wall", "authors_commit": "c0ffee",
        "authors_dirty": False,
        "inference": {
            "batch": 1, "input_height": 64, "input_width": 128, "others_load_percent": 0.0,
            "timings": [
                {"name": "authors", "rounds_ms": [10.0], "median_ms": 10.0, "ratio": 1.0},
                {"name": "native/float32", "rounds_ms": [4.0], "median_ms": 4.0, "ratio": 2.5},
            ],
        },
        "goals": [{
            "title": "CPU float32, best engine", "sense": "at_least", "bound": 3.5, "unit": "x", "value": 2.5,
            "by": "native/float32", "reached": False,
        }],
    },
}  # fmt: skip


def content(kind: str) -> dict[str, Any]:
    return {
        "schema_version": 1, "campaign": "test",
        "network": {
            "id": "camvid_hyperseg_s", "source": "hyperseg", "num_classes": 2, "backbone": "tf_efficientnet_b1",
            "backbone_weights": {"source": "p 1.0", "file": "w.pth", "sha256": "0" * 64}, "slices": "released",
            "weights_sha256": "1" * 64, "parameters": 100, "gmacs": None,
        },
        "protocol": {"id": "standard", "version": 1},
        "dataset": {"id": "streets", "version": "2" * 64, "split": "test", "images": 4},
        "seed": 0, "config": {"anything": ["goes", 1]},
        "provenance": {
            "commit": None, "dirty": None, "command": ["hyperseg"], "python": "3.11.0", "packages": {}, "threads": 1,
            "machine": {
                "fingerprint": "0123456789ab", "system": "Linux", "cpu": "Test", "cpu_cores": 1, "cpu_flags": [],
                "memory_bytes": 1, "gpus": [], "gpu_uuids": [], "driver": None,
            },
        },
        "started_at": "2020-01-01T00:00:00Z", "duration_s": 1.0, "numbers": NUMBERS[kind],
    }  # fmt: skip
