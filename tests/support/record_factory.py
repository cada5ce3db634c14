"""Records for tests. Every value is made up and round or patterned, so that none can be taken for a measurement."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from hyperseg.records import (
    ClassIoU,
    DatasetRef,
    EpochPoint,
    EvaluationNumbers,
    Interval,
    LatencyNumbers,
    Machine,
    NetworkRef,
    ProtocolRef,
    Provenance,
    Record,
    SweepPoint,
    TrainingNumbers,
    Verdict,
    WeightsSource,
    write_record,
)
from hyperseg.records.scores import Matrix, majority_matrix, mean_iou, pixel_accuracy
from hyperseg.records.statistics import log_slope

CAMVID = (
    "Sky",
    "Building",
    "Pole",
    "Road",
    "Pavement",
    "Tree",
    "SignSymbol",
    "Fence",
    "Car",
    "Pedestrian",
    "Bicyclist",
)
VARIANTS = {  # id -> (made-up parameters, input height and width)
    "camvid_hyperseg_l": (1_000_001, (768, 1024)),
    "camvid_hyperseg_s": (1_000_002, (576, 768)),
    "cityscapes_hyperseg_m": (1_000_003, (512, 1024)),
    "cityscapes_hyperseg_s": (1_000_004, (768, 1536)),
    "voc_hyperseg_l": (1_000_005, (512, 512)),
}
TEST_CPU = "Test(R) Processor 9000 CPU @ 2.00GHz"


def sha(text: str) -> str:
    """64 hex digits that depend on a text and are no real hash of anything."""
    return (text.encode().hex() + "0" * 64)[:64]


def machine(cpu: str = TEST_CPU, fingerprint: str = "0123456789ab", gpus: Sequence[str] = ()) -> Machine:
    return Machine(
        fingerprint=fingerprint, system="Linux 0.0 x86_64", cpu=cpu, cpu_cores=2, cpu_flags=["avx2"],
        memory_bytes=8 * 2**30, gpus=list(gpus), gpu_uuids=[f"GPU-{i}" for i in range(len(gpus))], driver=None,
    )  # fmt: skip


def network(
    variant: str, *, weights: str | None = "w", backbone: str = "tf_efficientnet_b1", **changes: Any
) -> NetworkRef:
    source = WeightsSource(source="test-package 1.0", file="test.pth", sha256=sha("backbone"))
    return NetworkRef(
        **{
            "id": variant, "source": "hyperseg", "num_classes": 11, "backbone": backbone, "backbone_weights": source,
            "slices": "released", "weights_sha256": sha(f"{weights}-{variant}") if weights else None,
            "parameters": VARIANTS.get(variant, (1_000_000, (0, 0)))[0], "gmacs": 1.5,
        } | changes
    )  # fmt: skip


def record(numbers: Any, variant: str = "camvid_hyperseg_s", **changes: Any) -> Record:
    """A record around `numbers`; any field of Record may be changed, `at` gives its machine."""
    provenance = Provenance(
        commit=changes.pop("commit", "c0ffee" + "0" * 34), dirty=changes.pop("dirty", False),
        command=["hyperseg", "test"], python="3.11.0", packages={"torch": "0.0", "timm": "0.0"}, threads=2,
        machine=changes.pop("at", machine()),
    )  # fmt: skip
    fields: dict[str, Any] = {
        "campaign": "demo", "network": changes.pop("net", None) or network(variant), "protocol": None,
        "dataset": DatasetRef(id="streets", version=sha("streets"), split="test", images=24), "seed": 0,
        "config": {"synthetic": True}, "provenance": provenance, "started_at": datetime(2020, 1, 1, tzinfo=UTC),
        "duration_s": 60.0, "numbers": numbers,
    }  # fmt: skip
    return Record(**(fields | changes))


def training(variant: str = "camvid_hyperseg_s", *, epochs: int = 4, scored: bool = True, **changes: Any) -> Record:
    first = (
        changes.get("config", {}).get("recipe", {}).get("epochs", epochs - 1) - epochs + 1
    )  # the recipe's is the last
    points = [
        EpochPoint(
            epoch=first + epoch, step=10 * (epoch + 1), loss=2.0 / (epoch + 1), learning_rate=0.001, duration_s=1.0,
            miou_percent=10.0 * (epoch + 1) if scored else None,
        )
        for epoch in range(epochs)
    ]  # fmt: skip
    numbers = TrainingNumbers(
        epochs=points, steps=10 * epochs, images_seen=20 * epochs, final_loss=points[-1].loss,
        selection=changes.pop("selection", "last"), selection_split=changes.pop("selection_split", None),
        step_median_ms=100.0, peak_memory_bytes=1024 * 2**20, device="cpu", precision="float32",
    )  # fmt: skip
    dataset = DatasetRef(id="streets", version=sha("streets"), split="train", images=96)
    started = datetime(2020, 1, 1, tzinfo=UTC) - timedelta(hours=1)
    return record(numbers, variant, **({"dataset": dataset, "started_at": started} | changes))


def evaluation(
    variant: str = "camvid_hyperseg_s", protocol: str = "standard", miou: float = 50.0, *,
    version: int = 1, classes: Sequence[str] = CAMVID, hw: tuple[int, int] = (192, 256), interval: bool = True,
    **changes: Any,
) -> Record:  # fmt: skip
    absent = {2} if len(classes) > 2 and protocol == "standard" else set()
    ious = _spread(miou, len(classes), absent)
    matrix = confusion_matrix(ious)
    bootstrap = Interval(low=miou - 1, high=miou + 1, level=0.95, method="percentile bootstrap")
    rule = "zero" if protocol == "paper" else "left_out"
    numbers = EvaluationNumbers(
        miou_percent=miou,
        miou_interval=bootstrap if interval else None,
        majority_miou_percent=100 * float(mean_iou(majority_matrix(matrix), rule)),
        pixel_accuracy_percent=100 * pixel_accuracy(matrix),
        absent_classes=rule,  # type: ignore[arg-type]
        classes=[
            ClassIoU(name=name, iou_percent=iou, pixels=int(pixels))
            for name, iou, pixels in zip(classes, ious, matrix.sum(1), strict=True)
        ],
        confusion_matrix=matrix.tolist(),
        ignored_pixels=7, input_height=hw[0], input_width=hw[1], device="cpu",
    )  # fmt: skip
    return record(numbers, variant, **({"protocol": ProtocolRef(id=protocol, version=version)} | changes))


def _spread(miou: float, classes: int, absent: set[int]) -> list[float | None]:
    """An IoU in percent for every class that is there: evenly spread, their mean is `miou`."""
    present = [index for index in range(classes) if index not in absent]
    half = max((len(present) - 1) / 2, 1)
    step = min(5.0, miou / half, (100 - miou) / half)
    ious: list[float | None] = [None] * classes
    for place, index in enumerate(present):
        ious[index] = miou + step * (place - (len(present) - 1) / 2)
    return ious


def confusion_matrix(ious: Sequence[float | None], errors: int = 10**12) -> Matrix:
    """A matrix whose classes have these IoUs in percent, to float rounding; None: the class is absent.

    Every class but the perfect ones loses `errors` pixels to the next of them, and so takes as many from the one
    before: its IoU is its hits over its hits and twice the errors.
    """
    matrix: Matrix = np.zeros((len(ious), len(ious)), np.int64)
    wrong = [index for index, iou in enumerate(ious) if iou is not None and iou < 100]
    for index, iou in enumerate(ious):
        if iou is not None:
            matrix[index, index] = errors if index not in wrong else round(2 * errors * iou / (100 - iou))
    for index, following in zip(wrong, wrong[1:] + wrong[:1], strict=True):
        matrix[index, following] += errors
    return matrix


def latency(
    variant: str = "camvid_hyperseg_s", protocol: str = "deploy", median: float = 100.0, *, engine: str = "eager",
    precision: str = "float32", verdict: str = "VALID", smoke: bool = False, device_name: str | None = None,
    hw: tuple[int, int] | None = None, batch: int = 1, batch_norm: str = "folded", sweep: bool = False,
    mean: float | None = None, **changes: Any,
) -> Record:  # fmt: skip
    height, width = hw or VARIANTS.get(variant, (0, (512, 512)))[1]
    at = changes.get("at") or machine()
    reasons = [] if verdict == "VALID" else ["the clock moved by 5 % during the run"]
    points = []
    if sweep:
        points = [_sweep_point("input", ratio, 1, median) for ratio in (0.25, 1.0, 4.0)]
        points += [_sweep_point("batch", 1.0, size, median) for size in (1, 2, 4)]
    numbers = LatencyNumbers(
        device="cuda" if at.gpus else "cpu", device_name=device_name or (at.gpus[0] if at.gpus else at.cpu),
        engine=engine, precision=precision, tf32=False, batch_norm=batch_norm, batch=batch,  # type: ignore[arg-type]
        input_height=height, input_width=width, clock_stages=["forward", "upsample", "argmax"], smoke=smoke,
        samples=5 if smoke else 100, warmup_samples=3, processes=1 if smoke else 3, prepare_s=1.0, median_ms=median,
        median_interval=None if smoke else Interval(low=median * 0.99, high=median * 1.01, level=0.95, method="t"),
        mean_ms=mean or median * 1.1, p90_ms=None if smoke else median * 1.2, p99_ms=None, fps=1000.0 * batch / median,
        peak_memory_bytes=512 * 2**20, samples_file=None, samples_sha256=None, conditions={"load_mean": 0.1},
        verdict=Verdict(verdict=verdict, reasons=reasons), points=points,  # type: ignore[arg-type]
        pixel_exponent=_exponent(points),
    )  # fmt: skip
    changes = {"protocol": ProtocolRef(id=protocol, version=1), "seed": None, "dataset": None} | changes
    return record(numbers, variant, **changes)


def _exponent(points: Sequence[SweepPoint]) -> float | None:
    along = [point for point in points if point.axis == "input"]
    return log_slope([p.input_height * p.input_width for p in along], [p.median_ms for p in along])


def _sweep_point(axis: str, ratio: float, batch: int, median: float) -> SweepPoint:
    side = ratio**0.5
    return SweepPoint(
        axis=axis, batch=batch, input_height=int(576 * side), input_width=int(768 * side),  # type: ignore[arg-type]
        pixel_ratio=ratio, samples=20, processes=1, median_ms=median * ratio * batch, median_interval=None,
        fps=1000.0 / (median * ratio), peak_memory_bytes=None, gmacs_per_batch=None,
        verdict=Verdict(verdict="VALID", reasons=[]),
    )  # fmt: skip


def demo() -> dict[str, Record]:
    """What a demo campaign leaves: five variants trained, scored under two protocols and timed by a smoke run."""
    records: dict[str, Record] = {}
    for index, variant in enumerate(VARIANTS):
        folder, miou = f"{variant}/seed0", 20.0 + 3.0 * index
        records[f"{folder}/train.json"] = training(variant)
        records[f"{folder}/evaluation-standard.json"] = evaluation(variant, "standard", miou)
        records[f"{folder}/evaluation-paper.json"] = evaluation(variant, "paper", miou - 2)
        name = f"{folder}/latency/0123456789ab/smoke-cpu-eager-float32.json"
        records[name] = latency(variant, "smoke", 200.0 + 60.0 * index, smoke=True)
    return records


def write(folder: Path, records: dict[str, Record]) -> Path:
    """Write records as files, as the pipeline would."""
    for name, one in records.items():
        write_record(folder / name, one)
    return folder
