"""Tables: one protocol per column, the paper beside, nothing lost on the way to a file."""

import csv
import io
import re
from pathlib import Path

import pytest
from claims_frame import claims_frame
from record_factory import CAMVID, VARIANTS, evaluation, latency, machine, network, record, sha, training, write

from hyperseg.records import BenchNumbers, DatasetRef, Record
from hyperseg.records.bench import BenchTiming, BenchTurns
from hyperseg.report.collection import Collection, load
from hyperseg.report.coverage import sentences
from hyperseg.report.facts import PaperRow, PeerRow
from hyperseg.report.inputs import Inputs
from hyperseg.report.tables.accuracy import accuracy_table
from hyperseg.report.tables.classes import class_tables
from hyperseg.report.tables.coverage import coverage_table
from hyperseg.report.tables.formats import to_csv, to_markdown
from hyperseg.report.tables.latex import latex_text, to_latex
from hyperseg.report.tables.model import Cell, Column, Table, view
from hyperseg.report.tables.paper import paper_tables
from hyperseg.report.tables.peers import peers_table
from hyperseg.report.tables.runtime import runtime_tables
from hyperseg.report.tables.scaling import scaling_tables
from hyperseg.report.tables.summary import summary_table
from hyperseg.report.tables.training import training_table

Paper = tuple[PaperRow, ...]
Rivals = tuple[PeerRow, ...]
AUTHORS = DatasetRef(id="camvid_authors12", version=sha("authors"), split="test", images=233)
GPU = machine(fingerprint="a" * 12, gpus=["NVIDIA GeForce GTX 1080 Ti"])


def collection(folder: Path, *records: Record) -> Collection:
    return load([write(folder, {f"{number:02d}.json": one for number, one in enumerate(records)})])


def rows(table: Table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(to_csv(table))))


def as_paper(miou: float, **changes: object) -> Record:
    """An evaluation that is the paper's measurement in every respect."""
    fields: dict[str, object] = {"dataset": AUTHORS, "hw": (576, 768), "classes": (*CAMVID, "Void")}
    return evaluation("camvid_hyperseg_s", "paper", miou, **(fields | changes))  # type: ignore[arg-type]


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


def test_the_papers_times_stand_beside_its_own_protocol_alone(tmp_path: Path, paper: Paper) -> None:
    found = collection(tmp_path, latency("camvid_hyperseg_s", at=GPU), latency("camvid_hyperseg_s", "paper", at=GPU))
    deploy, as_paper = runtime_tables(found, paper)
    assert rows(deploy)[0]["paper_latency_ms"] == ""
    assert rows(as_paper)[0]["paper_latency_ms"] == "26.3"


def test_the_papers_tables_have_its_rows_ours_and_rivals(tmp_path: Path, paper: Paper, rivals: Rivals) -> None:
    found = collection(
        tmp_path, as_paper(77.4), as_paper(78.4, seed=1), latency("camvid_hyperseg_s", "paper", 27.0, at=GPU)
    )
    by_id = {table.id: table for table in paper_tables(Inputs(found, paper, rivals))}
    assert list(by_id) == ["paper_camvid_test", "paper_cityscapes_val", "paper_cityscapes_test", "paper_voc2012_val"]
    camvid = rows(by_id["paper_camvid_test"])
    assert [row["method"] for row in camvid[:2]] == ["camvid_hyperseg_s", "camvid_hyperseg_l"]
    assert float(camvid[0]["difference_points"]) == pytest.approx(-0.5)
    assert float(camvid[0]["ours_fps"]) == pytest.approx(1000 / 27)
    assert by_id["paper_camvid_test"].rules == (2,)
    city = to_markdown(by_id["paper_cityscapes_test"])
    assert "| HyperSeg-S | EfficientNet-B1 | – | not in our facts |" in city
    hardnet = next(row for row in rows(by_id["paper_cityscapes_test"]) if row["method"] == "FC-HarDNet-70")
    assert (hardnet["fps_gtx_1080_ti_pytorch"], hardnet["fps_other"]) == ("53.0", "")
    assert "no split stated" in by_id["paper_cityscapes_val"].remarks[0]


def test_every_claim_is_a_row_with_its_verdict(tmp_path: Path) -> None:
    claims = claims_frame()
    table = coverage_table(Inputs(collection(tmp_path, evaluation()), claims=claims))
    assert table is not None
    stored = rows(table)
    assert [row["claim"] for row in stored] == list(claims["claim"])
    assert [row["verdict"] for row in stored] == list(claims["verdict"])
    assert "78.1 [77.8, 78.4]" in to_markdown(table)
    first, second, third = sentences(claims)
    assert first == (
        "Of 8 claims of the paper: 1 reproduced, 1 within noise, 1 better, 1 not reproduced, 1 other protocol and "
        "3 not measurable here."
    )
    assert second == "Not reproduced: Cityscapes: HyperSeg-M mIoU val (76.2 → 74.3)."
    assert "2 × needs Cityscapes" in third


def test_runtime_has_one_table_per_protocol(tmp_path: Path, paper: Paper) -> None:
    found = collection(tmp_path, latency(), latency(protocol="paper"), latency(protocol="smoke", smoke=True))
    tables = runtime_tables(found, paper)
    assert [table.id for table in tables] == ["runtime_deploy_v1", "runtime_paper_v1", "runtime_smoke_v1"]
    assert [len(table.rows) for table in tables] == [1, 1, 1]


def test_verdicts_are_shown_and_invalid_and_smoke_enter_no_claim(tmp_path: Path) -> None:
    found = collection(
        tmp_path,
        latency(engine="a"), latency(engine="b", verdict="DEGRADED"), latency(engine="c", verdict="INVALID"),
        latency(engine="d", smoke=True),
    )  # fmt: skip
    (table,) = runtime_tables(found, ())
    stored = rows(table)
    assert [row["verdict"] for row in stored] == ["VALID", "DEGRADED", "INVALID", "VALID"]
    assert [row["enters_claims"] for row in stored] == ["yes", "yes", "no", "no"]
    assert [row["smoke"] for row in stored] == ["no", "no", "no", "yes"]
    markdown = to_markdown(table)
    assert "smoke (VALID)" in markdown
    assert "the clock moved by 5 % during the run" in markdown


def test_times_are_compared_with_the_papers_on_its_hardware_alone(tmp_path: Path, paper: Paper) -> None:
    same = latency("camvid_hyperseg_s", "paper", 13.0, at=GPU)
    elsewhere = latency("camvid_hyperseg_s", "paper", 13.0)
    invalid = latency("camvid_hyperseg_l", "paper", 13.0, at=GPU, verdict="INVALID")
    (table,) = runtime_tables(collection(tmp_path, same, elsewhere, invalid), paper)
    by_machine = {(row["network"], row["machine"]): row for row in rows(table)}
    ratio = by_machine["camvid_hyperseg_s", "a" * 12]["ratio_to_paper"]
    assert float(ratio) == pytest.approx(13.0 / 26.3)
    assert by_machine["camvid_hyperseg_s", "0123456789ab"]["ratio_to_paper"] == ""
    assert by_machine["camvid_hyperseg_l", "a" * 12]["ratio_to_paper"] == ""
    assert "other hardware: Test 9000, the paper's GTX 1080 Ti" in to_markdown(table)


def test_the_speed_up_needs_the_authors_network_in_the_same_setting(tmp_path: Path) -> None:
    theirs = network("camvid_hyperseg_s", source="authors", slices=None)
    found = collection(
        tmp_path, latency(median=300.0, net=theirs), latency(median=100.0), latency(median=50.0, hw=(320, 448)),
        latency(median=10.0, engine="x", verdict="INVALID"),
    )  # fmt: skip
    (table,) = runtime_tables(found, ())
    assert sorted(row["speedup_vs_authors"] for row in rows(table)) == ["", "", "", "3.0"]


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


def test_ids_of_a_record_never_leave_the_folder(tmp_path: Path) -> None:
    odd = DatasetRef(id="../../etc/x", version=sha("odd"), split="a/b", images=1)
    found = collection(tmp_path, evaluation(dataset=odd, protocol="../p"), latency(protocol="a/../b", sweep=True))
    tables = [*class_tables(found), *runtime_tables(found, ()), *scaling_tables(found)]
    assert len(tables) == 3
    assert all(re.fullmatch(r"[\w-]+", table.id) for table in tables)


def test_the_training_table_and_the_sweep(tmp_path: Path) -> None:
    found = collection(tmp_path, training(), latency(sweep=True))
    (row,) = rows(training_table(found))
    assert (row["epochs"], row["steps"], row["best_miou_percent"], row["duration_s"]) == ("4", "40", "40.0", "60.0")
    (sweep,) = scaling_tables(found)
    assert [row["pixel_ratio"] for row in rows(sweep) if row["axis"] == "input"] == ["0.25", "1.0", "4.0"]


def test_the_summary_takes_the_fastest_engine_that_is_not_invalid(tmp_path: Path) -> None:
    found = collection(
        tmp_path, evaluation(), latency(median=90.0), latency(median=30.0, engine="onnxruntime"),
        latency(median=1.0, engine="openvino", verdict="INVALID"),
    )  # fmt: skip
    (row,) = rows(summary_table(found))
    assert (row["median_ms_deploy_v1"], row["engine_deploy_v1"], row["verdict_deploy_v1"]) == (
        "30.0", "onnxruntime, float32", "VALID",
    )  # fmt: skip


def test_order_does_not_depend_on_file_names(tmp_path: Path, paper: Paper) -> None:
    records = [evaluation(variant) for variant in VARIANTS] + [latency(variant) for variant in VARIANTS]
    forth = collection(tmp_path / "forth", *records)
    back = collection(tmp_path / "back", *reversed(records))
    assert to_csv(accuracy_table(forth, paper)) == to_csv(accuracy_table(back, paper))
    assert to_csv(runtime_tables(forth, paper)[0]) == to_csv(runtime_tables(back, paper)[0])
    assert to_csv(summary_table(forth)) == to_csv(summary_table(back))


def test_stored_names_carry_units_and_values_full_precision(tmp_path: Path) -> None:
    found = collection(tmp_path, evaluation(miou=100.0 / 3), latency(median=1000.0 / 7))
    assert rows(accuracy_table(found, ()))[0]["miou_percent_standard_v1"] == repr(100.0 / 3)
    (runtime,) = runtime_tables(found, ())
    assert rows(runtime)[0]["median_ms"] == repr(1000.0 / 7)
    unit = re.compile(r"_(ms|s|mib|px|per_s|percent|percent_\w+_v\d+|points)$")
    numeric = {c.key for c in runtime.columns if c.numeric} - {
        "threads", "batch", "samples", "processes", "speedup_vs_authors", "ratio_to_paper", "gmacs_per_image",
        "fraction_of_roof",
    }  # fmt: skip
    assert all(unit.search(key) for key in numeric)


def test_what_all_rows_share_is_said_once(tmp_path: Path) -> None:
    found = collection(tmp_path, evaluation(), evaluation("voc_hyperseg_l"))
    seen = view(accuracy_table(found, ()))
    assert ("Dataset", "streets (generated)") in seen.folded
    assert "Dataset" not in [column.title for column in seen.columns]
    assert "Network" in [column.title for column in seen.columns]


def test_more_notes_than_letters() -> None:
    table = Table("t", "T", "C.", (Column("a", "A"),), tuple({"a": Cell("x", notes=(f"note {n}",))} for n in range(60)))
    letters = [letter for letter, _ in view(table).notes]
    assert letters[:2] == ["a", "b"]
    assert letters[26:28] == ["aa", "ab"]
    assert len(set(letters)) == 60


def test_latex_has_no_character_of_its_own_left() -> None:
    assert latex_text("a_b & 5 % {x} $ # ~ ^ \\ <>") == (
        r"a\_b \& 5 \% \{x\} \$ \# \textasciitilde{} \textasciicircum{} \textbackslash{} \textless{}\textgreater{}"
    )
    table = Table(
        "some_id", "T", "Caption.", (Column("a_b", "A_B"),), ({"a_b": Cell("x & y", notes=("50 % | more",))},)
    )
    text = to_latex(table)
    assert r"\label{tab:some-id}" in text
    assert r"x \& y$^{a}$" in text
    assert r"\toprule" in text
    assert to_markdown(table).count("|") == 6 + 1  # head, rule and body of one column, and the note's own


def test_peers_stand_below_each_other(tmp_path: Path) -> None:
    def run(variant: str, median: float) -> Record:
        names = ["authors", f"{variant}, native/float32", "unet-efficientnet-b1, eager/float32"]
        timings = [BenchTiming(name=name, rounds_ms=[median], median_ms=median, ratio=1.0) for name in names]
        turns = BenchTurns(batch=1, input_height=64, input_width=96, timings=timings, others_load_percent=0.0)
        numbers = BenchNumbers(
            device="cpu", device_name="CPU", clock="wall", authors_commit=None, authors_dirty=None, peers=turns
        )
        return record(numbers, variant)

    table = peers_table(collection(tmp_path, run("camvid_hyperseg_s", 100.0), run("voc_hyperseg_l", 200.0)))
    found = [(row["contender"], row["mode"], row["camvid_hyperseg_s"], row["voc_hyperseg_l"]) for row in rows(table)]
    assert found == [
        ("HyperSeg, the authors' code", "eager/float32", "100.0", "200.0"),
        ("HyperSeg", "native/float32", "100.0", "200.0"),
        ("unet-efficientnet-b1", "eager/float32", "100.0", "200.0"),
    ]
    assert [column.title for column in view(table).columns][-2:] == [
        "HyperSeg-S (CamVid), 64×96", "HyperSeg-L (VOC), 64×96"
    ]  # fmt: skip
