"""A number that cannot be forged: what follows from other numbers of a record is derived again when it is read."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from changed_records import REFERENCE, TRAINING, Change, change, written
from own_process import hyperseg
from record_content import content

from hyperseg.errors import UserError
from hyperseg.records import Record, read_record
from hyperseg.records.verify import summary, verify

EVALUATION = REFERENCE / "camvid/camvid_hyperseg_s/seed0/evaluation-paper.json"
SCALING = REFERENCE / "scaling/camvid_hyperseg_s/latency/scaling-cpu-native-float32.json"
BENCH = REFERENCE / "bench/camvid_hyperseg_s/bench-cpu.json"

TURNS = REFERENCE / "bench_training/camvid_hyperseg_s/bench-cpu.json"
WRONG = {
    "images": 1, "largest_logit_difference": 9.0, "at_least": False, "allowed_difference": 1.0,
    "equal_classes_percent": 100.0, "needed_equal_percent": 99.0,
}  # fmt: skip


def _goal_of(name: str) -> Change:
    """The first goal's value, taken from another contender of the same run."""

    def apply(numbers: dict[str, Any]) -> None:
        [row] = [row for row in numbers["inference"]["timings"] if row["name"] == name]
        numbers["goals"][0] |= {"value": row["ratio"], "reached": row["ratio"] >= numbers["goals"][0]["bound"]}

    return apply


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
        (BENCH, [lambda numbers: numbers["goals"].pop(1)], "goal 'CPU float32, torch alone' is not among the goals"),
        (BENCH, [change("goals.0.by", "eager/float32"), _goal_of("eager/float32")], "but the largest value is of"),
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
    for conditions in ({"load": math.nan}, {"readings": [{"load": math.inf}]}):
        made = content("latency")
        made["numbers"] = made["numbers"] | {"conditions": conditions}
        with pytest.raises(ValueError, match="'conditions' holds a NaN"):
            Record.model_validate(made)


def test_the_commands_say_what_holds_and_what_does_not(tmp_path: Path) -> None:
    written(tmp_path, TRAINING)
    held = hyperseg("verify", str(tmp_path))
    assert (held.returncode, held.stdout.splitlines()[-1]) == (0, "1 of 1 records hold")
    path = written(tmp_path, EVALUATION, change("miou_percent", 78.5))
    failed = hyperseg("verify", str(tmp_path))
    assert failed.returncode == 2
    assert "1 of 2 records hold" in failed.stdout
    assert f"{path}: miou_percent is 78.5, but 51.4511 by the confusion matrix" in failed.stdout
    assert failed.stderr.startswith("error: 1 of 2 records do not hold: ")
    assert hyperseg("records", "validate", str(path)).returncode == 2
    again = hyperseg("recompute", str(path))
    assert again.returncode == 2
    assert "26 of 27 numbers are the same" in again.stdout
    assert "contradicts itself at miou_percent" in again.stderr
    assert hyperseg("verify", str(tmp_path / "absent")).stderr.startswith("error: no record or folder at")
