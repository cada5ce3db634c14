"""Which records make a report, and which are refused."""

from pathlib import Path

import pytest
from record_factory import demo, evaluation, latency, machine, network, record, sha, training, write

from hyperseg.errors import UserError
from hyperseg.files import sha256_file
from hyperseg.records import DatasetRef
from hyperseg.report.collection import load


def test_names_are_below_the_common_folder_and_hashes_are_of_the_files(demo_records: Path) -> None:
    collection = load([demo_records])
    assert len(collection) == len(demo()) == 20
    for entry in collection:
        assert sha256_file(demo_records / entry.name) == entry.sha256
    assert [len(collection.training), len(collection.evaluation), len(collection.latency)] == [5, 10, 5]


def test_a_file_given_twice_is_one_record(demo_records: Path) -> None:
    one = demo_records / "camvid_hyperseg_s/seed0/train.json"
    assert (
        len(load([demo_records, one, demo_records / "camvid_hyperseg_s" / ".." / one.relative_to(demo_records)])) == 20
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (evaluation(miou=50.0), evaluation(miou=51.0)),
        (training(), training(epochs=5)),
        (latency(median=100.0), latency(median=101.0)),
        (latency(median=100.0), latency(median=100.0)),
    ],
)
def test_two_records_of_one_cell_are_refused_by_name(tmp_path: Path, first: object, second: object) -> None:
    write(tmp_path, {"a/one.json": first, "b/two.json": second})  # type: ignore[dict-item]
    with pytest.raises(UserError, match=r"records a/one\.json and b/two\.json fill the same cell"):
        load([tmp_path])


def test_what_differs_in_a_table_is_no_duplicate(tmp_path: Path) -> None:
    cells = [
        evaluation(), evaluation(seed=1), evaluation(protocol="paper"), evaluation(version=2),
        evaluation(dataset=DatasetRef(id="streets", version=sha("other"), split="test", images=24)),
        evaluation(campaign="other"), evaluation(net=network("camvid_hyperseg_s", backbone="tf_efficientnet_lite1")),
        evaluation(net=network("camvid_hyperseg_s", slices="described")), evaluation(hw=(384, 512)),
        latency(), latency(engine="openvino"), latency(precision="bfloat16"), latency(protocol="paper"),
        latency(batch=2), latency(hw=(320, 448)), latency(at=machine(fingerprint="f" * 12)),
        latency(batch_norm="deleted"),
        latency(net=network("camvid_hyperseg_s", weights="other")),
        training(), training(seed=1), training(selection="best", selection_split="test"),
    ]  # fmt: skip
    write(tmp_path, {f"{number:02d}.json": one for number, one in enumerate(cells)})
    assert len(load([tmp_path])) == len(cells)


def test_the_checkpoint_comes_from_the_training_record_of_the_same_weights(tmp_path: Path) -> None:
    from hyperseg.report.collection import checkpoint

    records = {"t.json": training(selection="best", selection_split="test"), "e.json": evaluation()}
    collection = load([write(tmp_path, records)])
    assert checkpoint(collection.evaluation[0], collection) == "best on test"
    foreign = write(tmp_path / "foreign", {"e.json": record(evaluation().numbers, net=network("x", weights="y"))})
    collection = load([foreign])
    assert checkpoint(collection.evaluation[0], collection) == "given"
