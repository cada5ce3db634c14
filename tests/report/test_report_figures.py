"""Figures: what is drawn, what is not, names that do not overlap, the same bytes twice."""

import io
import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from matplotlib.transforms import Bbox
from PIL import Image
from record_factory import CAMVID, VARIANTS, evaluation, latency, machine, network, training, write

from hyperseg.records import Record
from hyperseg.report.collection import Collection, load
from hyperseg.report.facts import PaperRow, read_peers
from hyperseg.report.figures.accuracy_runtime import accuracy_runtime
from hyperseg.report.figures.classes import class_figures
from hyperseg.report.figures.labels import Label, freeze_layout, place_labels
from hyperseg.report.figures.points import panels
from hyperseg.report.figures.published import published_figure
from hyperseg.report.figures.scaling import _looks, _points, _titles, scaling_figure
from hyperseg.report.figures.style import house_style, new_figure
from hyperseg.report.figures.training import training_figure
from hyperseg.report.tables.published import comparable_peers, hardware

Paper = tuple[PaperRow, ...]


def collection(folder: Path, *records: Record) -> Collection:
    return load([write(folder, {f"{number:02d}.json": one for number, one in enumerate(records)})])


def test_datasets_and_the_papers_numbers_have_panels_of_their_own(demo: Collection, paper: Paper) -> None:
    found = panels(demo, paper)
    assert [(panel.dataset, panel.split) for panel in found] == [
        ("streets", "test"), ("camvid_authors12", "test"), ("cityscapes", "val"),
    ]  # fmt: skip
    assert [len(panel.points) for panel in found] == [5, 2, 2]
    assert not any(point.solid for point in found[0].points)  # smoke runs are hollow
    assert all(point.series.of_paper for panel in found[1:] for point in panel.points)


def test_hardware_precision_and_protocol_make_series_and_invalid_is_not_drawn(tmp_path: Path) -> None:
    other = machine(fingerprint="f" * 12)
    found = collection(
        tmp_path,
        evaluation(), evaluation(protocol="paper", miou=1.0),
        latency(median=100.0), latency(median=80.0, engine="openvino"), latency(median=20.0, precision="bfloat16"),
        latency(median=5.0, protocol="paper"), latency(median=1.0, engine="x", verdict="INVALID"),
        latency(median=70.0, at=other, verdict="DEGRADED"), latency(median=2.0, batch=4),
    )  # fmt: skip
    (panel,) = panels(found, ())
    assert panel.protocol == "standard v1"
    drawn = {(p.series.machine, p.series.precision): (p.milliseconds, p.engine, p.solid) for p in panel.points}
    assert drawn == {
        ("0123456789ab", "float32"): (80.0, "openvino", True),
        ("0123456789ab", "bfloat16"): (20.0, "eager", True),
        ("f" * 12, "float32"): (70.0, "eager", False),
    }  # deploy goes before paper
    assert len({point.series for point in panel.points}) == 3
    picture = accuracy_runtime(found, ())
    assert picture is not None
    assert "1 INVALID latency is not drawn" in picture.caption


def test_a_time_of_another_campaign_or_with_random_weights_is_that_networks_time(tmp_path: Path) -> None:
    untrained = network("camvid_hyperseg_s", weights=None, backbone_weights=None)
    found = collection(
        tmp_path, evaluation(), latency(campaign="lab", net=untrained), latency("voc_hyperseg_l", campaign="lab")
    )
    (panel,) = panels(found, ())
    (point,) = panel.points
    assert point.milliseconds == 100.0
    assert not point.same_input  # scored at 192x256, timed at the native size
    picture = accuracy_runtime(found, ())
    assert picture is not None
    assert "scored at another input size" in picture.caption


def test_ours_and_the_papers_points_share_a_panel_under_the_papers_protocol_alone(tmp_path: Path, paper: Paper) -> None:
    from record_factory import sha

    from hyperseg.records import DatasetRef

    authors = DatasetRef(id="camvid_authors12", version=sha("a"), split="test", images=1)
    found = collection(
        tmp_path,
        evaluation(protocol="paper", dataset=authors),
        evaluation(protocol="standard", dataset=authors),
        latency(),
    )
    first = panels(found, paper)[0]
    assert first.protocol == "paper v1"
    assert {point.series.of_paper for point in first.points} == {True, False}
    only_standard = collection(tmp_path / "standard", evaluation(protocol="standard", dataset=authors), latency())
    first, second, _ = panels(only_standard, paper)
    assert [panel.dataset for panel in (first, second)] == ["camvid_authors12"] * 2
    assert not any(point.series.of_paper for point in first.points)


def test_the_native_input_is_on_both_axes_though_it_was_timed_once(tmp_path: Path) -> None:
    found = collection(tmp_path, latency(sweep=True))
    entry = found.latency[0]
    once = [p for p in entry.numbers.points if (p.axis, p.batch) != ("batch", 1)]
    timed = replace(entry, numbers=entry.numbers.model_copy(update={"points": once}))
    assert [point.batch for point in _points(timed, "batch")] == [1, 2, 4]
    assert [point.pixel_ratio for point in _points(timed, "input")] == [0.25, 1.0, 4.0]


def test_sweeps_of_many_networks_and_engines_are_told_apart(tmp_path: Path) -> None:
    records = [latency(variant, engine=engine, sweep=True) for variant in VARIANTS for engine in ("eager", "native")]
    swept = list(collection(tmp_path, *records).latency)
    assert len(set(_looks(swept))) == len(records)
    shared, titles = _titles(swept)
    assert shared.endswith("float32")
    assert len(set(titles)) == len(records)


def test_nothing_to_draw_gives_no_figure(tmp_path: Path) -> None:
    found = collection(tmp_path, evaluation(classes=CAMVID))
    assert accuracy_runtime(found, ()) is None
    assert scaling_figure(found) is None
    assert training_figure(found) is None
    assert published_figure((), ()) is None


@pytest.mark.parametrize(
    "points",
    [
        [(100.0, 50.0), (104.0, 50.2), (96.0, 49.8)],
        [(10.0 * 1.2**i, 50.0 + i) for i in range(5)],
        [(100.0, 50.0), (100.0, 50.0)],
    ],
    ids=["crowded", "diagonal", "equal"],
)
def test_names_lie_inside_and_on_nothing(points: list[tuple[float, float]]) -> None:
    with house_style():
        figure = new_figure(3.7, 3.3)
        axes = figure.subplots()
        axes.set_xscale("log")
        axes.set_xlim(min(x for x, _ in points) / 2, max(x for x, _ in points) * 2)
        axes.set_ylim(40, 60)
        canvas = freeze_layout(figure)
        place_labels(canvas, axes, [Label(x, y, f"HyperSeg-{n} (Cityscapes)") for n, (x, y) in enumerate(points)])
        renderer = canvas.get_renderer()
        boxes = [text.get_window_extent(renderer) for text in axes.texts if not text.arrow_patch]  # type: ignore[attr-defined]
        frame = axes.get_window_extent(renderer)
    assert len(axes.texts) == len(points)
    for box in boxes:
        assert Bbox.intersection(box, frame).width == pytest.approx(box.width, abs=2)  # type: ignore[union-attr]
    for one, other in combinations(boxes, 2):
        assert Bbox.intersection(one, other) is None


def test_figures_have_no_date_and_one_form_for_a_phone(tmp_path: Path, paper: Paper) -> None:
    found = collection(tmp_path, evaluation(), evaluation("voc_hyperseg_l"), latency(sweep=True), training())

    maybe = [accuracy_runtime(found, paper), scaling_figure(found), training_figure(found), *class_figures(found)]
    drawn = [picture for picture in maybe if picture is not None]
    assert [p.name for p in drawn] == [
        "accuracy_runtime", "scaling", "training_curve", "class_iou_streets_test_standard_v1",
    ]  # fmt: skip
    for picture in drawn:
        assert "<dc:date>" not in picture.svg + picture.narrow_svg
        assert Image.open(io.BytesIO(picture.png)).size[0] > 500
        width = re.search(r'width="([\d.]+)pt"', picture.narrow_svg)
        assert width is not None
        assert float(width[1]) <= 358 * 0.75 + 3


def test_published_peers_are_grouped_by_hardware_in_one_spelling(root: Path, paper: Paper) -> None:
    peers = read_peers(root / "results/published/published_peers.csv")
    kinds = {hardware(peer) for peer in comparable_peers(peers)}
    assert {"GTX 1080 Ti, PyTorch", "GTX 1080 Ti, TensorRT", "RTX 2080 Ti", "RTX 3090", "V100"} <= kinds
    assert not any(re.search(r"1080ti", kind, re.IGNORECASE) for kind in kinds)
    picture = published_figure(peers, paper)
    assert picture is not None
    assert "hardware" in picture.caption
