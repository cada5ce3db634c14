"""What a record's numbers were made from, beside it: matrices, samples and weights are held against the record."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from changed_records import TRAINING, Change, change, written
from record_content import content
from scored_images import write_scored

from hyperseg.errors import UserError
from hyperseg.files import sha256_file
from hyperseg.records import read_record
from hyperseg.records.raw import read_matrices, write_matrices
from hyperseg.records.verify import verify

METHOD = "Student t over the medians of 2 processes"


@pytest.fixture
def scored(tmp_path: Path) -> Path:
    return write_scored(tmp_path)


def changed(path: Path, *changes: Change) -> Path:
    return written(path.parent, path, *changes)


def test_an_interval_is_derived_from_the_images_matrices(scored: Path) -> None:
    assert verify([scored])[0].holds
    assert read_matrices(scored.with_suffix(".npz"), 4, 2).sum() == 16
    with pytest.raises(UserError, match=r"miou_interval\.low is 59\.5, but"):
        read_record(changed(scored, change("miou_interval.low", 59.5)))
    with pytest.raises(UserError, match=r"miou_interval\.low is missing"):
        read_record(changed(scored, change("miou_interval", None)))


def test_a_raw_file_that_is_another_or_gone_is_named(scored: Path) -> None:
    matrices = scored.with_suffix(".npz")
    write_matrices(matrices, np.ones((4, 2, 2), np.int64), ["a", "b", "c", "d"])
    with pytest.raises(UserError, match=r"sha256 of record\.npz"):
        read_record(scored)
    changed(scored, change("matrices_sha256", sha256_file(matrices)))
    with pytest.raises(UserError, match=r"confusion_matrix is not the sum of the images' matrices in record\.npz"):
        read_record(scored)
    matrices.write_bytes(b"no archive")
    changed(scored, change("matrices_sha256", sha256_file(matrices)))
    with pytest.raises(UserError, match=r"record\.npz cannot be read"):
        read_record(scored)
    matrices.unlink()
    assert read_record(scored).numbers.kind == "evaluation"  # a record may travel alone
    [found] = verify([scored])
    assert found.problems == ("it names record.npz, which does not lie beside it",)


def test_the_same_matrices_give_the_same_bytes(tmp_path: Path) -> None:
    per_image = np.arange(16).reshape(4, 2, 2)
    first = write_matrices(tmp_path / "a.npz", per_image, ["a", "b", "c", "d"])
    assert first == write_matrices(tmp_path / "b.npz", per_image, ["a", "b", "c", "d"])


@pytest.fixture
def timed(tmp_path: Path) -> Path:
    """A latency of two processes with its samples beside it, as parquet."""
    samples = {0: [10.0, 12.0, 11.0], 1: [13.0, 11.0, 12.0]}
    rows = [(process, 1e6 * value) for process, values in samples.items() for value in values]
    columns = {
        "batch": [1] * 6, "input_height": [64] * 6, "input_width": [128] * 6, "process": [row[0] for row in rows],
        "latency_ns": [int(row[1]) for row in rows], "device_ns": [None] * 6,
    }  # fmt: skip
    table = {name: pa.array(values, pa.int64()) for name, values in columns.items()}
    parquet.write_table(pa.table(table | {"phase": pa.array(["timed"] * 6)}), tmp_path / "samples.parquet")
    record = content("latency")
    half = 12.706204736 * 0.5 / 1  # Student's t of two processes, medians 11 and 12
    record["numbers"] = record["numbers"] | {
        "samples": 6, "warmup_samples": 0, "processes": 2, "median_ms": 11.5, "mean_ms": 11.5, "fps": 1e3 / 11.5,
        "median_interval": {"low": 11.5 - half, "high": 11.5 + half, "level": 0.95, "method": METHOD},
        "verdict": {"verdict": "DEGRADED", "reasons": ["the processes' medians differ by 8.7 %"]},
        "conditions": {"drift_percent": [0.0, 0.0]},
        "process_medians_ms": [11.0, 12.0], "samples_file": "samples.parquet",
        "samples_sha256": sha256_file(tmp_path / "samples.parquet"),
    }  # fmt: skip
    (tmp_path / "record.json").write_text(json.dumps(record))
    return tmp_path / "record.json"


def test_a_latency_is_derived_from_its_samples(timed: Path) -> None:
    assert verify([timed])[0].holds
    flat = {"low": 11.5, "high": 11.5, "level": 0.95, "method": METHOD}
    for changes, named in (
        ([change("median_ms", 8.0), change("fps", 125.0)], "median_ms is 8, but 11.5 by samples.parquet"),
        ([change("mean_ms", 8.0), change("fps", 1e3 / 8)], "mean_ms"),
        ([change("process_medians_ms", [])], "process_medians_ms does not hold one median per process"),
        ([change("conditions", {})], "conditions.drift_percent is missing"),
        ([change("samples", 60)], "samples is 60, but 6 by samples.parquet"),
        (
            [change("process_medians_ms", [11.5, 11.5]), change("median_interval", flat)],
            "median_interval.low is 11.5, but 5.1469 by samples.parquet",
        ),
        ([change("samples_sha256", "0" * 64)], "sha256 of samples.parquet"),
    ):
        record = timed.read_text()
        with pytest.raises(UserError, match=named.replace(".", r"\.")):
            read_record(changed(timed, *changes))
        timed.write_text(record)


def test_samples_that_an_older_record_does_not_keep_are_a_note(timed: Path) -> None:
    (timed.parent / "samples.parquet").unlink()
    [found] = verify([timed])
    assert found.holds
    assert "raw samples not kept (samples.parquet)" in found.notes[0]


def test_weights_beside_a_training_are_hashed(tmp_path: Path) -> None:
    path = written(tmp_path, TRAINING)
    assert verify([path])[0].holds
    (tmp_path / "weights.safetensors").write_bytes(b"others")
    assert "weights.safetensors" in verify([path])[0].problems[0]
