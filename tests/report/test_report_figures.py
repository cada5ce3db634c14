"""Figures: what is drawn, what is not, names that do not overlap, the same bytes twice."""

import io
import math
import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from claims_frame import claims_frame
from matplotlib.transforms import Bbox
from PIL import Image
from record_factory import CAMVID, VARIANTS, evaluation, latency, machine, network, training
from reported import collection, of_a_library

from hyperseg.report.facts import PaperRow, PeerRow
from hyperseg.report.figures.classes import class_figures
from hyperseg.report.figures.confusion import confusion_figures
from hyperseg.report.figures.distribution import distribution_figures
from hyperseg.report.figures.forest import forest_figure
from hyperseg.report.figures.labels import Label, freeze_layout, place_labels
from hyperseg.report.figures.scaling import _draw, _looks, _points, _titles, scaling_figure
from hyperseg.report.figures.style import house_style, look, new_figure, to_svg
from hyperseg.report.figures.tradeoff import _draw as draw_panels
from hyperseg.report.figures.tradeoff import tradeoff_figures
from hyperseg.report.figures.training import _draw as draw_runs
from hyperseg.report.figures.training import training_figures
from hyperseg.report.inputs import Inputs
from hyperseg.report.page.svg import InlineFigures
from hyperseg.report.panel import Panel, Point
from hyperseg.report.tables.classes import MOST_NETWORKS

Paper = tuple[PaperRow, ...]
Rivals = tuple[PeerRow, ...]


def test_the_native_input_is_on_both_axes_though_it_was_timed_once(tmp_path: Path) -> None:
    found = collection(tmp_path, latency(sweep=True))
    entry = found.latency[0]
    once = [p for p in entry.numbers.points if (p.axis, p.batch) != ("batch", 1)]
    timed = replace(entry, numbers=entry.numbers.model_copy(update={"points": once}))
    assert [point.batch for point in _points(timed, "batch")] == [1, 2, 4]
    assert [point.pixel_ratio for point in _points(timed, "input")] == [0.25, 1.0, 4.0]


def test_a_degraded_point_is_hollow_and_a_small_gain_does_not_fill_the_panel(tmp_path: Path) -> None:
    entry = collection(tmp_path, latency(sweep=True)).latency[0]
    points = [point.model_copy(update={"fps": 10 + 0.1 * point.batch}) for point in entry.numbers.points]
    doubted = points[0].verdict.model_copy(update={"verdict": "DEGRADED"})
    points = [point.model_copy(update={"verdict": doubted}) if point.batch == 4 else point for point in points]
    with house_style():
        figure = _draw([replace(entry, numbers=entry.numbers.model_copy(update={"points": points}))], ["batch"])
    (axes,) = figure.axes
    assert [line.get_markerfacecolor() == "none" for line in axes.lines[-3:]] == [False, False, True]
    low, high = axes.get_ylim()
    assert high / low >= 1.99


def test_sweeps_of_many_networks_and_engines_are_told_apart(tmp_path: Path) -> None:
    records = [latency(variant, engine=engine, sweep=True) for variant in VARIANTS for engine in ("eager", "native")]
    swept = list(collection(tmp_path, *records).latency)
    assert len(set(_looks(swept))) == len(records)
    shared, titles = _titles(swept)
    assert shared.endswith("float32")
    assert len(set(titles)) == len(records)


def test_as_many_series_as_a_legend_names_have_looks_of_their_own() -> None:
    looks = [look(index) for index in range(MOST_NETWORKS)]
    assert len({(one["marker"], one["color"]) for one in looks}) == MOST_NETWORKS


def test_nothing_to_draw_gives_no_figure(tmp_path: Path) -> None:
    found = collection(tmp_path, evaluation(classes=CAMVID))
    assert tradeoff_figures(Inputs(found)) == []
    assert scaling_figure(found) is None
    assert training_figures(found) == []


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


def test_a_name_is_nearest_to_its_own_point_or_a_line_leads_there() -> None:
    points = [(100.0, 50.0), (106.0, 50.6), (112.0, 50.0), (106.0, 49.4), (104.0, 50.2), (108.0, 49.8)]
    with house_style():
        figure = new_figure(3.7, 3.3)
        axes = figure.subplots()
        axes.set_xlim(50, 200)
        axes.set_ylim(40, 60)
        canvas = freeze_layout(figure)
        place_labels(canvas, axes, [Label(x, y, str(n), y - 1, y + 1, x - 9, x + 9) for n, (x, y) in enumerate(points)])
        found = [(text.get_window_extent(canvas.get_renderer()), text.arrow_patch) for text in axes.texts]  # type: ignore[attr-defined]
        at = axes.transData.transform(points)
    assert any(line for _, line in found)
    for index, (box, line) in enumerate(found):
        away = [
            math.hypot(*(max(low - p, 0, p - high) for p, low, high in zip(point, box.min, box.max, strict=True)))
            for point in at
        ]
        assert line or away[index] == min(away)


def test_titles_and_legends_stay_inside_the_figure(tmp_path: Path) -> None:
    seeds = list(collection(tmp_path, *(training(seed=seed) for seed in range(3))).training)
    panel = Panel("camvid_segnet", "test", "standard v1", "Test CPU", 2, False, (Point("a", "a", "ours", 9.0, 50.0),))
    with house_style():
        curves, panels = draw_runs(seeds, scored=False), draw_panels([panel], 1)
        title = panels.axes[0]._left_title  # type: ignore[attr-defined]
        for figure, texts in ((curves, curves.legends[0].get_texts()), (panels, [title])):
            renderer = freeze_layout(figure).get_renderer()
            assert all(text.get_text() for text in texts)
            assert max(text.get_window_extent(renderer).x1 for text in texts) < figure.bbox.width


def test_figures_have_no_date_text_as_text_and_panes_for_a_phone(tmp_path: Path, paper: Paper) -> None:
    found = collection(tmp_path, evaluation(), evaluation("voc_hyperseg_l"), latency(sweep=True), training())

    maybe = [
        *tradeoff_figures(Inputs(found, paper)),
        scaling_figure(found),
        *training_figures(found),
        *class_figures(Inputs(found)),
    ]
    drawn = [picture for picture in maybe if picture is not None]
    assert [p.name for p in drawn] == [
        "tradeoff", "scaling", "training_curve", "class_iou_streets_test_standard_v1",
    ]  # fmt: skip
    for picture in drawn:
        assert "<dc:date>" not in picture.svg
        assert b"CreationDate" not in picture.pdf
        assert picture.pdf.startswith(b"%PDF")
        assert Image.open(io.BytesIO(picture.png)).size[0] > 500
        assert "<text" in picture.svg  # text stays text
    for pane in drawn[0].panes:
        width = re.search(r'width="([\d.]+)pt"', pane.svg)
        assert width is not None
        assert float(width[1]) <= 358 * 0.75 + 15  # a phone's width


def test_classes_in_a_script_that_the_font_lacks_are_text_and_no_warning(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    scored = evaluation(classes=["空", "道路"], net=network("camvid_hyperseg_s", num_classes=2))
    (figure,) = class_figures(Inputs(collection(tmp_path, scored)))
    assert "道路" in figure.svg
    assert not recwarn.list


def test_the_page_shortens_coordinates_and_no_number_that_is_read() -> None:
    with house_style():
        figure = new_figure(3, 2)
        axes = figure.subplots()
        axes.text(0.500123456, 0.5, "2.2892")
        axes.plot(0.5, 0.5, gid="point-0", marker="o")
        svg = to_svg(figure)
    drawn = InlineFigures().element(svg, "b", [("0.7494 x", ())])
    assert ">2.2892</text>" in drawn
    assert 'aria-label="0.7494 x"' in drawn
    assert not re.search(r' [xy]="-?\d+\.\d{3}', drawn)


def test_the_confusion_matrix_is_of_the_best_network_of_ours(tmp_path: Path) -> None:
    found = collection(
        tmp_path, evaluation(miou=50.0), evaluation("cityscapes_hyperseg_m", miou=55.0),
        of_a_library(evaluation("unet", miou=70.0)), evaluation(protocol="paper", miou=40.0),
    )  # fmt: skip
    (drawn,) = confusion_figures(Inputs(found))
    assert drawn.name == "confusion_streets_test_standard_v1"
    assert "HyperSeg-M (Cityscapes) of campaign demo, mIoU 55.00 %" in drawn.caption
    assert drawn.svg.count(">Bicyclist</text>") == 2  # a row and a column


def test_distributions_are_of_one_place_and_of_sound_numbers(tmp_path: Path) -> None:
    names = "camvid_hyperseg_s", "cityscapes_hyperseg_m"
    records = [latency(name, median=value) for name, value in zip(names, (20.0, 30.0), strict=True)]
    elsewhere = [latency(name, at=machine(fingerprint="e" * 12)) for name in names]
    bad = latency("unet", verdict="INVALID"), latency("fpn", smoke=True)
    alone = latency(protocol="paper")
    drawn = distribution_figures(Inputs(collection(tmp_path, *records, *elsewhere, *bad, alone)))
    assert len(drawn) == 2  # one for each machine
    assert all("deploy v1" in picture.title for picture in drawn)
    for picture in drawn:
        labels = re.findall(r">([^<]*, eager, [^<]*)</text>", picture.svg)
        assert [label.split(",")[0] for label in labels] == ["HyperSeg-S (CamVid)", "HyperSeg-M (Cityscapes)"]


def test_the_forest_shows_every_claim_and_marks_what_lies_outside(tmp_path: Path) -> None:
    claims = claims_frame()
    picture = forest_figure(Inputs(collection(tmp_path, evaluation()), claims=claims))
    assert picture is not None
    for claim in claims.to_dict("records"):
        assert claim["paper"] != claim["paper"] or f"{claim['row']}, {claim['quantity']}" in picture.svg  # NaN: no line
    assert picture.svg.count("not measurable here") == 2
    assert forest_figure(Inputs(collection(tmp_path / "none", evaluation()))) is None
