"""Tables of times: one per protocol, verdicts, the paper and the authors beside; sweeps, training, peers, summary."""

import re
from pathlib import Path

import pytest
from record_factory import TEST_CPU, evaluation, latency, network, record, training
from reported import GPU, collection, rows

from hyperseg.records import BenchNumbers, Record
from hyperseg.records.bench import BenchTiming, BenchTurns
from hyperseg.report.facts import PaperRow
from hyperseg.report.tables.bench import bench_tables
from hyperseg.report.tables.formats import to_markdown
from hyperseg.report.tables.model import view
from hyperseg.report.tables.peers import peers_table
from hyperseg.report.tables.runtime import runtime_tables
from hyperseg.report.tables.scaling import scaling_tables
from hyperseg.report.tables.summary import summary_table
from hyperseg.report.tables.training import training_table

Paper = tuple[PaperRow, ...]


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


def test_the_papers_times_stand_beside_its_own_protocol_alone(tmp_path: Path, paper: Paper) -> None:
    found = collection(tmp_path, latency("camvid_hyperseg_s", at=GPU), latency("camvid_hyperseg_s", "paper", at=GPU))
    deploy, as_paper = runtime_tables(found, paper)
    assert rows(deploy)[0]["paper_latency_ms"] == ""
    assert rows(as_paper)[0]["paper_latency_ms"] == "26.3"


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


def test_the_training_table_and_the_sweep(tmp_path: Path) -> None:
    found = collection(tmp_path, training(), latency(sweep=True))
    (row,) = rows(training_table(found))
    assert (row["epochs"], row["steps"], row["best_miou_percent"], row["duration_s"]) == ("4", "40", "40.0", "60.0")
    resumed = collection(tmp_path / "resumed", training().model_copy(update={"duration_s": 1.0}))
    (row,) = rows(training_table(resumed))
    assert row["duration_s"] == "4.0"  # four epochs of a second each, of which the last session ran one
    (sweep,) = scaling_tables(found)
    assert [row["pixel_ratio"] for row in rows(sweep) if row["axis"] == "input"] == ["0.25", "1.0", "4.0"]


def test_the_summary_takes_the_fastest_engine_that_is_not_invalid(tmp_path: Path) -> None:
    found = collection(
        tmp_path, evaluation(), latency(median=90.0), latency(median=30.0, engine="onnxruntime"),
        latency(median=1.0, engine="openvino", verdict="INVALID"),
    )  # fmt: skip
    (row,) = rows(summary_table(found))
    assert (row["input"], row["checkpoint"]) == ("192×256", "given")
    assert (row["median_ms_deploy_v1"], row["engine_deploy_v1"], row["verdict_deploy_v1"]) == (
        "30.0", "onnxruntime, float32", "VALID",
    )  # fmt: skip


def test_peers_stand_below_each_other(tmp_path: Path) -> None:
    def run(variant: str, median: float) -> Record:
        names = ["authors", f"{variant}, native/float32", "unet-efficientnet-b1, eager/float32"]
        timings = [BenchTiming(name=name, rounds_ms=[median], median_ms=median, ratio=1.0) for name in names]
        turns = BenchTurns(batch=1, input_height=64, input_width=96, timings=timings, others_load_percent=0.0)
        numbers = BenchNumbers(
            device="cpu", device_name=TEST_CPU, clock="wall", authors_commit=None, authors_dirty=None, peers=turns
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


def test_a_speed_up_has_an_interval_over_its_rounds(tmp_path: Path) -> None:
    theirs, ours = [100.0, 110.0, 90.0, 100.0, 105.0, 95.0], [50.0] * 6
    timings = [
        BenchTiming(name="authors", rounds_ms=theirs, median_ms=100.0, ratio=1.0),
        BenchTiming(name="ours", rounds_ms=ours, median_ms=50.0, ratio=2.0),
    ]
    turns = BenchTurns(batch=1, input_height=576, input_width=768, timings=timings, others_load_percent=0.0)
    numbers = BenchNumbers(
        device="cpu", device_name=TEST_CPU, clock="wall", authors_commit=None, authors_dirty=None, inference=turns
    )
    contenders = bench_tables(collection(tmp_path, record(numbers)))[0]
    found = {row["contender"].value: row["ratio"].text for row in contenders.rows}
    assert found["authors"] == "1.00×"
    assert re.fullmatch(r"2\.00× \[1\.\d\d, 2\.\d\d\]", found["ours"])
