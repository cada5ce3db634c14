"""Accuracy tables: one protocol per column, the paper beside where everything is as the paper has it, classes."""

from pathlib import Path

import pytest
from record_factory import CAMVID, evaluation, network, sha, training
from reported import AUTHORS, as_paper, collection, rows

from hyperseg.records import DatasetRef, Record
from hyperseg.report.facts import PaperRow
from hyperseg.report.tables.accuracy import accuracy_table
from hyperseg.report.tables.classes import class_tables
from hyperseg.report.tables.formats import to_markdown
from hyperseg.report.tables.model import view

Paper = tuple[PaperRow, ...]


def test_each_protocol_version_has_its_own_column(tmp_path: Path) -> None:
    found = collection(
        tmp_path,
        evaluation(protocol="standard", miou=50.25), evaluation(protocol="paper", miou=40.5),
        evaluation(protocol="paper", version=2, miou=41.5),
    )  # fmt: skip
    (row,) = rows(accuracy_table(found, ()))
    scores = {key: float(value) for key, value in row.items() if key.startswith("miou_percent")}
    assert scores == {
        "miou_percent_paper_v1": 40.5, "miou_percent_paper_v2": 41.5, "miou_percent_standard_v1": 50.25,
    }  # fmt: skip


def test_seeds_become_mean_and_deviation_and_a_single_one_keeps_its_interval(tmp_path: Path) -> None:
    found = collection(
        tmp_path, *(evaluation(seed=seed, miou=50.0 + seed) for seed in (0, 1, 2)), evaluation("voc_hyperseg_l")
    )
    many, one = rows(accuracy_table(found, ()))
    assert (many["miou_percent_standard_v1"], many["miou_sd_percent_standard_v1"], many["seeds_standard_v1"]) == (
        "51.0",
        "1.0",
        "3",
    )
    assert many["miou_low_percent_standard_v1"] == ""
    assert (one["miou_low_percent_standard_v1"], one["miou_high_percent_standard_v1"]) == ("49.0", "51.0")
    markdown = to_markdown(accuracy_table(found, ()))
    assert "51.00 ± 1.00 (3 seeds)" in markdown
    assert "50.00 [49.0, 51.0]" in markdown
    assert len(many["records_sha256"].split()) == 3


def test_the_difference_to_the_paper_where_everything_is_as_the_paper_has_it(tmp_path: Path, paper: Paper) -> None:
    (row,) = rows(
        accuracy_table(
            collection(tmp_path, as_paper(77.4), evaluation(miou=70.0, dataset=AUTHORS, hw=(576, 768))), paper
        )
    )
    assert row["paper_miou_percent_camvid_test"] == "78.4"
    assert float(row["difference_points"]) == pytest.approx(-1.0)
    assert "github.com/YuvalNirkin/hyperseg" in row["paper_source"]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (as_paper(1, dataset=DatasetRef(id="camvid_segnet", version=sha("s"), split="test", images=233)), "480×360"),
        (as_paper(1, dataset=DatasetRef(id="camvid", version=sha("s"), split="test", images=233)), "11 merged classes"),
        (as_paper(1, dataset=DatasetRef(id="camvid_authors12", version=sha("s"), split="val", images=1)), "split val"),
        (as_paper(1, net=network("camvid_hyperseg_s", backbone="tf_efficientnet_lite1")), "tf_efficientnet_lite1"),
        (as_paper(1, net=network("camvid_hyperseg_s", slices="described")), "signal slices"),
        (as_paper(1, hw=(384, 512)), "input 384×512"),
        (evaluation("camvid_hyperseg_s", "standard", dataset=AUTHORS, hw=(576, 768)), "protocol standard"),
    ],
)
def test_no_difference_where_something_differs_and_the_reason_is_given(
    tmp_path: Path, paper: Paper, record: Record, reason: str
) -> None:
    table = accuracy_table(collection(tmp_path, record), paper)
    (row,) = rows(table)
    assert row["paper_miou_percent_camvid_test"] == "78.4"
    assert row["difference_points"] == ""
    assert "not comparable" in to_markdown(table)
    assert reason in " ".join(note for _, note in view(table).notes)


def test_a_backbone_from_random_weights_is_not_the_papers(tmp_path: Path, paper: Paper) -> None:
    scratch = network("camvid_hyperseg_s", backbone_weights=None)
    table = accuracy_table(collection(tmp_path, as_paper(1, net=scratch), training(net=scratch)), paper)
    assert any("random weights" in note for _, note in view(table).notes)


def test_no_column_mixes_the_papers_splits(tmp_path: Path, paper: Paper) -> None:
    """The paper has HyperSeg-M on Cityscapes test and val, HyperSeg-S on val alone: each split is a column."""
    city = DatasetRef(id="cityscapes", version=sha("c"), split="test", images=1)
    records = [evaluation(f"cityscapes_hyperseg_{size}", "paper", dataset=city) for size in "ms"]
    small, medium = sorted(
        rows(accuracy_table(collection(tmp_path, *records), paper)), key=lambda r: r["network"], reverse=True
    )
    assert medium["paper_miou_percent_cityscapes_test"] == "75.8"
    assert medium["paper_miou_percent_cityscapes_val"] == ""
    assert small["paper_miou_percent_cityscapes_val"] == "78.2"
    assert small["paper_miou_percent_cityscapes_test"] == ""


def test_generated_scenes_stand_beside_no_number_of_the_paper(tmp_path: Path, paper: Paper) -> None:
    (row,) = rows(accuracy_table(collection(tmp_path, evaluation("cityscapes_hyperseg_m", "paper")), paper))
    assert not any(value for key, value in row.items() if key.startswith(("paper_miou", "difference")))


def test_classes_keep_protocols_apart_and_mark_absent_ones(tmp_path: Path) -> None:
    found = collection(tmp_path, evaluation(protocol="standard"), evaluation(protocol="paper"))
    tables = class_tables(found)
    assert [table.id for table in tables] == ["class_iou_streets_test_paper_v1", "class_iou_streets_test_standard_v1"]
    standard = rows(tables[1])
    assert [row["class"] for row in standard] == [*CAMVID, "mean"]
    assert standard[2]["iou_percent_camvid_hyperseg_s"] == ""
    assert "absent" in to_markdown(tables[1])
    assert standard[-1]["iou_percent_camvid_hyperseg_s"] == "50.0"


def test_columns_of_one_network_say_in_what_they_differ_and_nothing_else(tmp_path: Path) -> None:
    found = collection(tmp_path, evaluation(hw=(192, 256)), evaluation(hw=(384, 512)), evaluation("unet"))
    (table,) = class_tables(found)
    titles = [column.title for column in table.columns[2:]]
    assert titles == ["HyperSeg-S (CamVid), 192×256", "HyperSeg-S (CamVid), 384×512", "U-Net"]
