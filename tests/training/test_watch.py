"""What a watched training writes beside its record: curves of the very numbers in it."""

import csv
from pathlib import Path

import pytest
from small_training import train

from hyperseg.records import read_record, read_record_files
from hyperseg.records.schema import TrainingNumbers


def test_curves_hold_the_records_numbers(tiny: Path, tmp_path: Path) -> None:
    pytest.importorskip("dvclive")
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    watch = ("--watch", "tensorboard", "--watch", "dvclive")
    scored = {"validation_split": "val", "validate_every": "2"}
    assert train(tiny, tmp_path / "run", *watch, **scored).exit_code == 0
    numbers = read_record(tmp_path / "run" / "train.json").numbers
    assert isinstance(numbers, TrainingNumbers)
    assert numbers.selection == "last"  # a split may be scored for its curve alone
    assert [point.miou_percent is not None for point in numbers.epochs] == [False, True]

    events = accumulator.EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("loss/epoch")] == [
        (point.step, pytest.approx(point.loss)) for point in numbers.epochs
    ]
    assert [e.value for e in events.Scalars("miou_percent")] == [pytest.approx(numbers.epochs[1].miou_percent)]
    assert [e.step for e in events.Images("prediction")] == [numbers.epochs[1].step]

    with (tmp_path / "run" / "dvclive" / "plots" / "metrics" / "loss.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [float(row["loss"]) for row in rows] == pytest.approx([point.loss for point in numbers.epochs])
    assert list(read_record_files([tmp_path])) == [tmp_path / "run" / "train.json"]  # and not DVCLive's metrics.json
