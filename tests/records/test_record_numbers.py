"""A number that cannot be forged: whatever follows from other numbers is derived again when a record is read."""

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from record_content import content
from scored_images import write_scored

from hyperseg.errors import UserError
from hyperseg.files import sha256_file
from hyperseg.records import read_record
from hyperseg.records.raw import read_matrices, write_matrices
from hyperseg.records.verify import summary, verify

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "results/reference"
EVALUATION = REFERENCE / "camvid/camvid_hyperseg_s/seed0/evaluation-paper.json"
SCALING = REFERENCE / "scaling/camvid_hyperseg_s/latency/scaling-cpu-native-float32.json"
BENCH = REFERENCE / "bench/camvid_hyperseg_s/bench-cpu.json"
TRAINING = REFERENCE / "camvid/camvid_hyperseg_s/seed0/train.json"

TURNS = REFERENCE / "bench_training/camvid_hyperseg_s/bench-cpu.json"
WRONG = {
    "images": 1, "largest_logit_difference": 9.0, "at_least": False, "allowed_difference": 1.0,
    "equal_classes_percent": 100.0, "needed_equal_percent": 99.0,
}  # fmt: skip

Change = Callable[[dict[str, Any]], object]


def change(path: str, value: object) -> Change:
    """Sets one field of a record's numbers, 'a.0.b'."""

    def apply(numbers: dict[str, Any]) -> None:
        place: Any = numbers
        *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        for part in way:
            place = place[part]
        place[last] = value

    return apply


def written(folder: Path, source: Path, *changes: Change) -> Path:
    record = json.loads(source.read_text())
    for apply in changes:
        apply(record["numbers"])
    path = folder / source.name
    path.write_text(json.dumps(record))
    return path


def test_every_committed_record_holds() -> None:
    verified = verify([REFERENCE])
    assert [one.problems for one in verified if not one.holds] == []
    assert summary(verified) == f"{len(verified)} of {len(verified)} records hold"


@pytest.mark.parametrize(
    ("source", "changes", "named"),
    [
        (EVALUATION, [change("miou_percent", 78.5)], "miou_percent is 78.5, but 51.4511 by the confusion matrix"),
        (EVALUATION, [change("miou_percent", 51.4511296)], "miou_percent"),
        (
            EVALUATION,
            [change("miou_percent", 78.5), change("miou_interval.low", 50.0), change("miou_interval.high", 80.0)],
            "miou_percent",
        ),
        (EVALUATION, [change("majority_miou_percent", 2.2)], "majority_miou_percent"),
        (EVALUATION, [change("pixel_accuracy_percent", 96.0)], "pixel_accuracy_percent"),
        (EVALUATION, [change("absent_classes", "left_out"), change("classes.0.iou_percent", 91.0)], "class 'Sky'"),
        (EVALUATION, [change("classes.3.pixels", 7)], "pixels of class 'Road'"),
        (EVALUATION, [change("classes.3.iou_percent", None)], "iou_percent of class 'Road' is missing"),
        (EVALUATION, [change("confusion_matrix.4.4", 9_000_000)], "miou_percent"),
        (EVALUATION, [change("confusion_matrix.4", [1, 2])], "confusion_matrix is not 12 x 12"),
        (EVALUATION, [lambda numbers: numbers["confusion_matrix"].pop()], "confusion_matrix is not 12 x 12"),
        (SCALING, [change("fps", 139.0)], "fps is 139, but 13.903 by the median latency"),
        (SCALING, [change("median_ms", 7.1), change("fps", 1e3 / 7.1)], "roofline.reached_gflop_per_s"),
        (SCALING, [change("roofline", None), change("median_ms", 7.1), change("fps", 1e3 / 7.1)], "point of that size"),
        (SCALING, [change("median_interval.low", 71.0)], "median_interval.low"),
        (SCALING, [change("process_medians_ms", [70.0])], "processes"),
        (SCALING, [change("pixel_exponent", 0.5)], "pixel_exponent"),
        (SCALING, [change("p99_ms", 80.0)], "p99_ms is 80, but a percentile is not given below 662 samples"),
        (SCALING, [change("verdict", {"verdict": "VALID", "reasons": ["load"]})], "verdict is VALID with 1 reasons"),
        (SCALING, [change("verdict", {"verdict": "VALID", "reasons": []})], "verdict is VALID, but DEGRADED by the"),
        (SCALING, [change("conditions.drift_percent.0", 11.0)], "but INVALID by the conditions it states (drift:"),
        (SCALING, [change("points.0.answer", WRONG)], "points.0.verdict is"),
        (SCALING, [change("conditions.cpu.0.stolen_percent", "none")], "do not fit at 'cpu.0.stolen_percent'"),
        (SCALING, [change("conditions.cpu.0.frequency_mhz", {"max": 2.0})], "a clock without its 'min'"),
        (TURNS, [change("training.timings.1.verdict", {"verdict": "VALID", "reasons": []})], "but DEGRADED by the"),
        (SCALING, [change("calibration.largest_change_percent", 0.1)], "calibration.largest_change_percent"),
        (BENCH, [change("inference.timings.3.ratio", 9.0)], "ratio of native/float32 in inference is 9"),
        (BENCH, [change("inference.timings.3.median_ms", 9.0)], "median_ms of native/float32 in inference"),
        (BENCH, [change("inference.timings.3.rounds_ms", [])], "rounds_ms of native/float32"),
        (BENCH, [change("memory.1.ratio", 0.1)], "in memory"),
        (BENCH, [change("goals.0.value", 9.0)], "goal 'CPU float32, best engine' is 9"),
        (BENCH, [change("goals.0.value", 0.0)], "goal 'CPU float32, best engine' is 0"),
        (BENCH, [change("goals.0.reached", False)], "is stated as missed, but reached by its value and bound"),
        (BENCH, [change("goals.0.reached", None)], "is stated as open, but reached by its value and bound"),
        (BENCH, [change("goals.0.bound", 0.001)], "asks for at_least 0.001 x, but at_least 3.5 x is the goal"),
        (BENCH, [change("goals.0.by", "nobody")], "is of 'nobody', of which the record states no number"),
        (BENCH, [change("goals.0.by", "native/bfloat16")], "is of 'native/bfloat16', of which"),
        (BENCH, [change("goals.0.title", "CUDA float16")], "goal 'CUDA float16' is none of a benchmark on 'cpu'"),
        (TRAINING, [change("final_loss", 0.1)], "final_loss"),
        (TRAINING, [change("steps", 10)], "steps"),
        (TRAINING, [change("images_seen", 1)], "images_seen is 1, but 3276 by the steps and the recipe's batch"),
        (TRAINING, [change("epochs.1.epoch", 1)], "epoch 1 at step 234 stands after epoch 1"),
        (TRAINING, [change("epochs.1.step", 117)], "epoch 2 at step 117 stands after epoch 1"),
        (TRAINING, [change("selection", "best")], "selection is 'best', but selection_split None"),
        (EVALUATION, [change("classes.1.name", "Sky")], "class 'Sky' stands twice"),
    ],
)  # fmt: skip
def test_a_changed_number_is_refused_by_its_name(
    tmp_path: Path, source: Path, changes: list[Change], named: str
) -> None:
    path = written(tmp_path, source, *changes)
    with pytest.raises(UserError) as refused:
        read_record(path)
    assert str(path) in str(refused.value)
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not verify([path])[0].holds


@pytest.mark.parametrize(
    ("outputs", "holds"), [(3, False), (10, False), (11, True), (12, True), (13, True), (14, False)]
)
def test_outputs_fit_the_classes_with_void_or_without(tmp_path: Path, outputs: int, holds: bool) -> None:
    record = json.loads(EVALUATION.read_text())  # of eleven classes and Void
    record["network"]["num_classes"] = outputs
    (tmp_path / "record.json").write_text(json.dumps(record))
    assert verify([tmp_path])[0].holds is holds


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("evaluation", "miou_percent", 7000),
        ("evaluation", "miou_percent", -5),
        ("evaluation", "confusion_matrix.0.0", -1),
        ("evaluation", "classes", []),
        ("evaluation", "input_height", 0),
        ("evaluation", "miou_interval.low", 99.0),
        ("latency", "median_ms", -1),
        ("latency", "median_ms", 0),
        ("latency", "samples", 0),
        ("latency", "processes", 0),
        ("latency", "batch", 0),
        ("latency", "samples_file", "../elsewhere.parquet"),
        ("training", "step_median_ms", 0),
        ("training", "epochs.0.miou_percent", 101),
    ],
)
def test_a_number_out_of_its_range_is_refused(tmp_path: Path, kind: str, path: str, value: object) -> None:
    record = json.loads(json.dumps(content(kind)))
    change(path, value)(record["numbers"])
    (tmp_path / "record.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match=r"does not fit the schema at 'numbers"):
        read_record(tmp_path / "record.json")


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("place", ['"load_mean": 0.5', '"loss": 1.5', '"median_ms": 10.0', '"anything": ["goes", 1]'])
def test_no_nan_and_no_infinity_anywhere(tmp_path: Path, word: str, place: str) -> None:
    text = json.dumps(content("training" if "loss" in place else "latency"))
    assert place in text
    (tmp_path / "record.json").write_text(text.replace(place, f"{place.split(':')[0]}: {word}"))
    with pytest.raises(UserError, match=r"record\.json is not JSON"):
        read_record(tmp_path / "record.json")


def test_records_made_in_python_hold_no_nan_either() -> None:
    from hyperseg.records import Record

    for conditions in ({"load": math.nan}, {"readings": [{"load": math.inf}]}):
        made = content("latency")
        made["numbers"] = made["numbers"] | {"conditions": conditions}
        with pytest.raises(ValueError, match="'conditions' holds a NaN"):
            Record.model_validate(made)


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
        "samples": 6, "processes": 2, "median_ms": 11.5, "mean_ms": 11.5, "fps": 1e3 / 11.5,
        "median_interval": {"low": 11.5 - half, "high": 11.5 + half, "level": 0.95, "method": "t"},
        "verdict": {"verdict": "DEGRADED", "reasons": ["the processes' medians differ"]},
        "process_medians_ms": [11.0, 12.0], "samples_file": "samples.parquet",
        "samples_sha256": sha256_file(tmp_path / "samples.parquet"),
    }  # fmt: skip
    (tmp_path / "record.json").write_text(json.dumps(record))
    return tmp_path / "record.json"


def test_a_latency_is_derived_from_its_samples(timed: Path) -> None:
    assert verify([timed])[0].holds
    flat = {"low": 11.5, "high": 11.5, "level": 0.95, "method": "t"}
    for changes, named in (
        ([change("median_ms", 8.0), change("fps", 125.0)], "median_ms is 8, but 11.5 by samples.parquet"),
        ([change("mean_ms", 8.0), change("fps", 1e3 / 8)], "mean_ms"),
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


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from hyperseg.cli import main; sys.argv = ['hyperseg', *sys.argv[1:]]; main()"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_the_commands_say_what_holds_and_what_does_not(tmp_path: Path) -> None:
    written(tmp_path, TRAINING)
    held = run("verify", str(tmp_path))
    assert (held.returncode, held.stdout.splitlines()[-1]) == (0, "1 of 1 records hold")
    path = written(tmp_path, EVALUATION, change("miou_percent", 78.5))
    failed = run("verify", str(tmp_path))
    assert failed.returncode == 2
    assert "1 of 2 records hold" in failed.stdout
    assert f"{path}: miou_percent is 78.5, but 51.4511 by the confusion matrix" in failed.stdout
    assert failed.stderr.startswith("error: 1 of 2 records do not hold: ")
    assert run("records", "validate", str(path)).returncode == 2
    again = run("recompute", str(path))
    assert again.returncode == 2
    assert "26 of 27 numbers are the same" in again.stdout
    assert "contradicts itself at miou_percent" in again.stderr
    assert run("verify", str(tmp_path / "absent")).stderr.startswith("error: no record or folder at")
