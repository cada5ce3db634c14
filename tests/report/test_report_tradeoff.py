"""Accuracy against speed: who is compared with whom, who dominates, and what a panel says."""

import re
from dataclasses import replace
from pathlib import Path

from record_factory import CAMVID, evaluation, latency, machine, network, sha, training
from reported import GPU, collection, of_a_library

from hyperseg.records import DatasetRef, Record
from hyperseg.report.facts import PaperRow, PeerRow
from hyperseg.report.figures.front import _draw, _numbered
from hyperseg.report.figures.style import house_style
from hyperseg.report.figures.tradeoff import _labels, tradeoff_figures
from hyperseg.report.inputs import Inputs
from hyperseg.report.measured import EAGER, FASTEST, measured
from hyperseg.report.names import device_title
from hyperseg.report.panel import Panel, Point
from hyperseg.report.rivals import hardware, left_out, scored_rivals, untimed
from hyperseg.report.tables.accuracy import accuracy_table
from hyperseg.report.tables.classes import class_tables
from hyperseg.report.tables.durations import durations_table
from hyperseg.report.tables.front import front_tables
from hyperseg.report.tables.summary import summary_table
from hyperseg.report.tradeoff import panels

Paper = tuple[PaperRow, ...]
Rivals = tuple[PeerRow, ...]


def test_no_panel_mixes_datasets_splits_protocols_or_hardware(tmp_path: Path, paper: Paper, rivals: Rivals) -> None:
    """The paper's points share a panel with nothing but the same measurement: never `deploy` beside its own script."""
    authors = DatasetRef(id="camvid_authors12", version=sha("a"), split="test", images=233)
    ours: dict[str, object] = {"dataset": authors, "hw": (576, 768), "classes": (*CAMVID, "Void")}
    found = collection(
        tmp_path,
        evaluation("camvid_hyperseg_s", "paper", 77.4, **ours),  # type: ignore[arg-type]
        latency("camvid_hyperseg_s", "paper", 27.0, at=GPU), latency("camvid_hyperseg_s", "deploy", 20.0, at=GPU),
        latency("camvid_hyperseg_s", "deploy", 90.0),
    )  # fmt: skip
    shown = panels(Inputs(found, paper, rivals))
    keys = [(p.dataset, p.split, p.scoring, p.hardware) for p in shown]
    assert len(keys) == len(set(keys))
    with_paper = [panel for panel in shown if any(point.role == "paper" for point in panel.points)]
    assert {(p.dataset, p.split) for p in with_paper} == {
        ("camvid", "test"),
        ("cityscapes", "val"),
        ("cityscapes", "test"),
    }
    assert {panel.hardware for panel in with_paper} == {"GTX 1080 Ti, PyTorch"}
    (mine,) = [point for panel in with_paper for point in panel.points if point.role == "ours"]
    assert (mine.network, round(mine.fps)) == ("camvid_hyperseg_s", 37)  # timed under the paper's protocol alone
    deploy = [panel for panel in shown if "deploy" in panel.hardware]
    assert len(deploy) == 2  # one for each machine
    assert all(point.role == "ours" for panel in deploy for point in panel.points)


def test_fc_hardnet_dominates_hyperseg_m_on_cityscapes_test(tmp_path: Path, paper: Paper, rivals: Rivals) -> None:
    """What the repository's own facts say, the page says."""
    shown = panels(Inputs(collection(tmp_path, evaluation()), paper, rivals))
    (panel,) = [p for p in shown if (p.dataset, p.split, p.kind) == ("cityscapes", "test", 0)]
    assert "FC-HarDNet-70 (76.0 %, 53 FPS)" in panel.sentence
    assert panel.sentence.endswith("dominate HyperSeg-M (75.8 %, 36.9 FPS) as published.")
    assert "HyperSeg-M" not in {point.name for point in panel.front}


def test_the_front_is_what_nothing_dominates() -> None:
    points = tuple(
        Point(name, name, "rival", fps, miou)
        for name, fps, miou in [("a", 10, 80), ("b", 20, 70), ("c", 15, 70), ("d", 5, 80), ("e", 30, 60), ("f", 30, 59)]
    )
    panel = Panel("cityscapes", "val", "as published", "V100", 3, False, points)
    assert [point.name for point in panel.front] == ["a", "b", "e"]
    assert panel.sentence == (
        "On Cityscapes val, V100, the Pareto front is a (80.0 %, 10 FPS), b (70.0 %, 20 FPS) and e (60.0 %, 30 FPS)."
    )


def test_a_panel_says_its_place_once_and_names_dominators_together() -> None:
    points = tuple(
        Point(name, name, role, fps, miou)
        for name, role, fps, miou in [
            ("best", "peer", 20, 60), ("mid", "ours", 18, 55), ("one", "ours", 9, 50), ("two", "ours", 8, 51),
        ]
    )  # fmt: skip
    panel = Panel("camvid_segnet", "test", "standard v1", "a CPU", 2, False, points)
    assert panel.sentence == (
        "On CamVid 480×360 (SegNet copy) test (scored by standard v1), a CPU, best (60.0 %, 20 FPS) dominates mid "
        "(55.0 %, 18 FPS); best (60.0 %, 20 FPS) and mid (55.0 %, 18 FPS) dominate one (50.0 %, 9 FPS) and two "
        "(51.0 %, 8 FPS)."
    )


def test_void_is_told_where_only_the_papers_points_count_it(tmp_path: Path, paper: Paper, rivals: Rivals) -> None:
    shown = panels(Inputs(collection(tmp_path, evaluation()), paper, rivals))
    told = {(p.dataset, p.split, p.kind) for p in shown if "counts Void as a class" in p.sentence}
    assert told == {("camvid", "test", 0)}


def test_weights_from_elsewhere_are_no_point_beside_those_that_a_campaign_trained(tmp_path: Path) -> None:
    trained = evaluation(hw=(576, 768))
    given = evaluation(hw=(576, 768), miou=49.0, net=network("camvid_hyperseg_s", weights="rounded"))
    (panel,) = panels(Inputs(collection(tmp_path, training(), trained, given, latency())))
    assert [(point.name, point.miou_percent) for point in panel.points] == [("HyperSeg-S", 50)]


def test_two_versions_of_a_dataset_never_share_a_front_or_a_name(tmp_path: Path) -> None:
    versions = [DatasetRef(id="mine", version=sha(name), split="test", images=3) for name in ("old", "new")]
    scored = [evaluation(miou=50.0 + k, dataset=version, hw=(576, 768)) for k, version in enumerate(versions)]
    found = collection(tmp_path, *scored, latency())
    labels = {f"test (version {version.version[:12]})" for version in versions}
    assert {panel.split for panel in panels(Inputs(found))} == labels
    for table in (accuracy_table(found, ()), summary_table(found)):
        assert {row["split"].text for row in table.rows} == labels
    assert {table.title for table in class_tables(found)} == {
        f"IoU per class: mine, {one}, standard v1" for one in labels
    }


def test_one_network_twice_goes_by_what_differs(tmp_path: Path) -> None:
    found = [
        evaluation(hw=(576, 768), miou=miou, net=network("camvid_hyperseg_s", weights=name, **changes))
        for name, miou, changes in (("a", 50.0, {}), ("b", 49.0, {"backbone_weights": None}))
    ]
    (panel,) = panels(Inputs(collection(tmp_path, *found, latency())))
    assert [point.name for point in panel.points] == ["HyperSeg-S, random backbone", "HyperSeg-S, test-package 1.0"]
    assert panel.sentence.endswith(
        "(49.0 %, 10 FPS) and HyperSeg-S, test-package 1.0 (50.0 %, 10 FPS) alone, so nothing is compared."
    )


def on_gpu(record: Record) -> Record:
    return record.model_copy(update={"numbers": record.numbers.model_copy(update={"device": "cuda"})})


def test_a_campaign_is_a_panel_of_its_own_and_no_network_takes_a_time_of_another_size(tmp_path: Path) -> None:
    static = "camvid_hyperseg_s_static"
    found = collection(
        tmp_path,
        evaluation(hw=(576, 768)), latency(), evaluation(static, hw=(576, 768)), latency(static, hw=(576, 768)),
        of_a_library(evaluation("unet", hw=(576, 768))), of_a_library(latency("unet", hw=(576, 768))),
        evaluation(hw=(576, 768), campaign="longer", miou=60.0),
        evaluation(hw=(384, 512), campaign="longer", miou=61.0),
    )  # fmt: skip
    (together,) = panels(Inputs(found))
    assert [point.name for point in together.points] == ["HyperSeg-S", "HyperSeg-S, static weights", "U-Net"]
    assert [point.role for point in together.points] == ["ours", "ours", "peer"]
    longer = [entry for entry in found.evaluation if entry.record.campaign == "longer"]
    (alone,) = panels(Inputs(replace(found, evaluation=tuple(longer))))
    assert [point.miou_percent for point in alone.points] == [60.0]
    assert alone.sentence.endswith("campaign longer: HyperSeg-S (60.0 %, 10 FPS) alone, so nothing is compared.")


def test_invalid_and_smoke_times_and_two_machines_with_one_name(tmp_path: Path) -> None:
    found = collection(
        tmp_path,
        evaluation(hw=(576, 768)), latency(median=100.0), latency(median=80.0, engine="openvino"),
        latency(median=200.0, engine="x", verdict="INVALID"), latency(median=2.0, batch=4),
        latency(median=70.0, at=machine(fingerprint="f" * 12), verdict="DEGRADED"),
        latency("camvid_hyperseg_s", "smoke", 500.0, smoke=True, hw=(64, 64)),
    )  # fmt: skip
    shown = panels(Inputs(found))
    quiet, other = "Test 9000 (0123456789ab), 2 threads", "Test 9000 (ffffffffffff), 2 threads"
    assert {(panel.setting, panel.engine): [round(point.fps, 1) for point in panel.points] for panel in shown} == {
        (f"{quiet}, deploy v1, float32", EAGER): [10.0],
        (f"{quiet}, deploy v1, float32", FASTEST): [12.5],
        (f"{other}, deploy v1, float32", EAGER): [14.3],
        (f"{quiet}, smoke v1, float32", EAGER): [2.0],
    }
    (smoke,) = [panel for panel in shown if panel.smoke]
    assert smoke.points[0].hollow
    assert smoke.sentence.endswith("nothing follows from them.")


def test_many_networks_trained_on_a_gpu_and_timed_on_a_cpu_share_a_figure_and_a_table(tmp_path: Path) -> None:
    """Ours, ablations and others in one panel for each device and class of engine, and its table beside it."""
    changes = ("static", "image", "patch64", "context1", "expansion1", "expansion4", "described")
    ours = ["camvid_hyperseg_s", *(f"camvid_hyperseg_s_{change}" for change in changes)]
    records = []
    for index, name in enumerate([*ours, "unet", "fpn"]):
        made_on_gpu = [training(name, at=GPU), evaluation(name, miou=40.0 + index, at=GPU, hw=(384, 512))]
        times = [(2.0, "eager"), (1.0, "native" if name in ours else "openvino")]
        made_on_cpu = [
            latency(name, median=(20.0 + 7 * index % 10) * t, engine=engine, hw=(384, 512)) for t, engine in times
        ]
        own = [*map(on_gpu, made_on_gpu), *made_on_cpu]
        records += own if name in ours else map(of_a_library, own)
    inputs = Inputs(collection(tmp_path, *records))
    eager, fastest = panels(inputs)
    assert [len(panel.points) for panel in (eager, fastest)] == [10, 10]
    assert {point.role for point in eager.points} == {"ours", "peer"}
    assert eager.sentence.endswith("The networks were trained and scored on NVIDIA GeForce GTX 1080 Ti.")
    some = replace(eager, points=(replace(eager.points[0], origin=""), *eager.points[1:]))
    assert some.sentence.endswith("9 of 10 networks were trained and scored on NVIDIA GeForce GTX 1080 Ti.")
    assert tradeoff_figures(inputs) == []
    with house_style():
        (axes, key) = _draw([eager], _numbered([eager, fastest])).axes
    written = {text.get_text() for text in axes.texts}
    assert 0 < len(eager.front) < 10
    assert written >= {point.name for point in eager.front}
    assert sum(text.isdigit() for text in written) == 10 - len(eager.front)
    assert {text.get_text() for text in key.texts} >= {"1", "10", "U-Net", "HyperSeg-S (CamVid), weights per image"}
    (table,) = front_tables(inputs)
    best = table.rows[0]
    assert best["network"].value == "fpn"
    assert best["checkpoint"].value
    assert (best["eager_ms"].value, best["fastest_ms"].value, best["engine"].value) == (46.0, 23.0, "openvino")
    assert best["on_front"].value == "fastest, eager"
    assert best["miou_percent"].text == "49.00 [48.0, 50.0]"
    assert best["images_seen"].value == 80
    assert best["origin"].value == "trained and scored on NVIDIA GeForce GTX 1080 Ti"


def test_a_machine_with_different_gpus_is_named_by_all_of_them(tmp_path: Path) -> None:
    """A training's record says `cuda`, not which one."""
    mixed = machine(gpus=["NVIDIA A", "NVIDIA B", "NVIDIA A"], fingerprint="b" * 12)
    made = map(on_gpu, [training(at=mixed), evaluation(at=mixed, hw=(576, 768))])
    found = collection(tmp_path, *made, latency())
    (one,) = measured(found)
    assert one.origin == "trained and scored on NVIDIA A or NVIDIA B"
    shown = {row["machine"].text for row in durations_table(found).rows}
    assert f"NVIDIA A, NVIDIA B, {device_title(mixed.cpu)}, 2 cores" in shown


def test_a_network_whose_quickest_engine_is_invalid_has_no_fastest_engine(tmp_path: Path) -> None:
    static = "camvid_hyperseg_s_static"
    found = collection(
        tmp_path,
        evaluation(hw=(576, 768)), latency(), latency(engine="native", median=20.0, verdict="INVALID"),
        evaluation(static, hw=(576, 768)), latency(static, hw=(576, 768)),
        latency(static, engine="native", median=30.0, hw=(576, 768)),
    )  # fmt: skip
    inputs = Inputs(found)
    named = {panel.engine: [point.name for point in panel.points] for panel in panels(inputs)}
    assert named[EAGER] == ["HyperSeg-S", "HyperSeg-S, static weights"]
    assert named.get(FASTEST, ["HyperSeg-S, static weights"]) == ["HyperSeg-S, static weights"]
    (table,) = front_tables(inputs)
    shown = {
        row["network"].value: (row["engine"].value, row.get("fastest_ms"), row["verdict"].value) for row in table.rows
    }
    assert shown["camvid_hyperseg_s"] == ("native", None, "INVALID")
    assert shown[static][1].value == 30.0


def test_a_large_panel_names_its_front_alone_and_quickly() -> None:
    points = tuple(Point(f"network {n}", str(n), "rival", 10 + n, 80 - (n % 7) - n / 50) for n in range(200))
    panel = Panel("cityscapes", "val", "as published", "V100", 3, False, points)
    named = [label for label in _labels(panel) if label.text]
    assert {label.text for label in named} == {point.name for point in panel.front}
    assert len(named) < 40


def test_rivals_are_grouped_by_hardware_in_one_spelling_and_left_out_ones_are_counted(rivals: Rivals) -> None:
    scored = scored_rivals(rivals)
    kinds = {hardware(peer) for peer in scored if not untimed(peer)}
    assert {"GTX 1080 Ti, PyTorch", "GTX 1080 Ti, TensorRT", "RTX 2080 Ti", "RTX 3090", "V100"} <= kinds
    assert not any(re.search(r"1080ti", kind, re.IGNORECASE) for kind in kinds)
    assert len(scored) + sum(left_out(rivals).values()) == len(rivals)
    assert left_out(rivals)["no split stated"] > 0
