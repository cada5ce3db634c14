"""Accuracy against frames per second: a panel per dataset and comparability class, with its Pareto front."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from math import ceil
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from hyperseg.report.figures.labels import Label, Line, freeze_layout, place_labels
from hyperseg.report.figures.style import (
    COLOURS,
    FAINT,
    INK,
    Pane,
    Picture,
    house_style,
    log_ticks,
    new_figure,
    to_pdf,
    to_png,
    to_svg,
)
from hyperseg.report.inputs import Inputs
from hyperseg.report.names import dataset_title
from hyperseg.report.panel import MEASURED, PAPER_SCORING, Panel, Point, dominates
from hyperseg.report.part import Part
from hyperseg.report.timed_seeds import said_of_seeds
from hyperseg.report.tradeoff import panels

REAL_TIME = 30.0  # FPS
_MANY = 40  # names; a panel with more names its front alone
_TITLE = 10.0  # points
_CROWD = 300  # points; a panel with more draws its front one by one and the others together
_SMALL = 5  # points measured here that find room for their names in a small panel
_FEW = 3  # points below which a panel of other hardware says nothing
_LOOKS = {  # marker, colour, size in points
    "paper": ("*", INK, 11.0),
    "ours": ("o", COLOURS[0], 6.5),
    "authors": ("D", FAINT, 5.5),
    "peer": ("s", COLOURS[1], 5.5),
    "rival": (".", FAINT, 8.0),
}
_READING = (
    "Up and right is better; one panel is one dataset and one class of comparable times. Star: the paper. Blue: "
    "HyperSeg measured here, with intervals; orange: other networks trained, scored and timed in the same way; hollow: "
    "DEGRADED or a smoke run. Grey: other methods as published; hollow: known from a web page only. Line: the Pareto "
    "front of the values, intervals aside, its members named; 'dominates' is said of the values too. Dotted: 30 FPS."
)


def tradeoff_figures(inputs: Inputs) -> list[Picture]:
    """The paper's hardware and what was measured here; smoke runs; other hardware. Each only where it has points.

    What was measured of many networks is drawn by :mod:`hyperseg.report.figures.front`.
    """
    found = [panel for panel in panels(inputs) if panel.kind in (0, 2) or len(panel.points) >= _FEW]
    found = [panel for panel in found if not many_measured(panel)]
    drawn, left = inputs.collection.newest_campaigns(panel.campaign for panel in found if panel.campaign)
    found = [panel for panel in found if panel.campaign in ("", *drawn)]
    left = said_of_seeds(inputs.collection) + left
    groups = (
        ("tradeoff", "Accuracy against speed", [p for p in found if p.kind < 3 and not p.smoke]),
        ("tradeoff_smoke", "Accuracy against speed, smoke runs", [p for p in found if p.smoke]),
        ("tradeoff_other_hardware", "Accuracy against speed on other hardware", [p for p in found if p.kind == 3]),
    )
    return [
        _picture(name, title, shown, _caption(shown) + (left if shown[0].kind != 3 else ""))
        for name, title, shown in groups
        if shown
    ]


def many_measured(panel: Panel) -> bool:
    """Whether so many networks were measured in one place that they need a figure of their own."""
    return panel.kind == MEASURED and not panel.smoke and len(panel.points) > _SMALL


def _picture(name: str, title: str, found: Sequence[Panel], caption: str) -> Picture:
    with house_style():
        whole = _draw(found, columns=min(3, len(found)))
        panes = tuple(_pane(panel) for panel in found)
        forms = to_svg(whole), to_png(whole), to_pdf(whole)
        return Picture(name, title, caption, *forms, panes, choose=found[0].kind == 3)


def _caption(found: Sequence[Panel]) -> str:
    if found[0].smoke:
        return "Smoke runs enter no claim."
    if found[0].kind == 3:
        return "Read as the figure above; times of two panels do not compare."
    return _READING


def _pane(panel: Panel) -> Pane:
    figure = new_figure(3.9, 3.3)
    axes = figure.subplots()
    draw_panel(axes, panel)
    fix_panel(axes, (0, 0, 3.9, 3.3))
    place_labels(freeze_layout(figure), axes, _labels(panel), keep_clear(axes, panel))
    svg = to_svg(figure)
    return Pane(panel.place, svg, panel.sentence, tuple(marks(panel)))


def marks(panel: Panel) -> list[tuple[str, tuple[str, ...]]]:
    """What each point says under the pointer, and its records."""
    return [
        (f"{point.numbers}. {'; '.join(filter(None, (point.detail, point.origin)))}", point.records)
        for point in panel.points
    ]


def _draw(found: Sequence[Panel], columns: int) -> Figure:
    rows = ceil(len(found) / columns)
    width, height = 3.55, 3.15
    figure = new_figure(width * columns, height * rows)
    grid = figure.subplots(rows, columns, squeeze=False)
    axes = [grid[index // columns][index % columns] for index in range(rows * columns)]
    for index, (panel, one) in enumerate(zip(found, axes, strict=False)):
        draw_panel(one, panel)
        fix_panel(one, (index % columns * width, (rows - 1 - index // columns) * height, width, height))
    for unused in axes[len(found) :]:
        unused.remove()
    canvas = freeze_layout(figure)
    for panel, one in zip(found, axes, strict=False):
        place_labels(canvas, one, _labels(panel), keep_clear(one, panel))
    return figure


def draw_panel(axes: Axes, panel: Panel, characters: int = 46) -> None:
    """Title, points, front and axes; `characters`: of a line of the subtitle."""
    hardware = panel.hardware if panel.scoring == PAPER_SCORING else f"{panel.hardware}; scored by {panel.scoring}"
    subtitle = fill(hardware, characters)
    title = f"{dataset_title(panel.dataset).split(',')[0]}, {panel.split}"
    size = min(
        _TITLE, _TITLE * 0.61 * characters / len(title)
    )  # a long one is set smaller: it may not leave the figure
    axes.set_title(title, pad=6 + 11 * len(subtitle.split("\n")), fontsize=size)
    axes.text(0, 1.02, subtitle, transform=axes.transAxes, fontsize=8, va="bottom", linespacing=1.15)
    axes.set_xscale("log")
    limits = _limits(axes, panel)
    if limits[0] < REAL_TIME < limits[1]:
        axes.axvline(REAL_TIME, color=INK, lw=0.9, ls=":", zorder=1)
        axes.text(REAL_TIME, 0.01, " 30 FPS", transform=axes.get_xaxis_transform(), fontsize=7.5, va="bottom")
    for x0, y0, x1, y1 in () if panel.smoke else _front(axes, panel):
        axes.plot([x0, x1], [y0, y1], color=INK, lw=0.9, alpha=0.55, zorder=2)
    single = _single(panel)
    _intervals(axes, single)
    for index, point in enumerate(panel.points):
        if point in single:
            _mark(axes, point, f"point-{index}")
    for look, points in groupby(
        sorted((p for p in panel.points if p not in single), key=_look), key=_look
    ):  # one artist for each look, since thousands of artists are slow
        marker, colour, size, hollow = look
        drawn = [(point.fps, point.miou_percent) for point in points]
        face = "none" if hollow else colour
        axes.plot(
            *zip(*drawn, strict=True), marker=marker, color=colour, ls="none", ms=size, mfc=face, mew=1.1, zorder=3
        )
    published = {point.network: point for point in panel.points if point.role == "paper"}
    for ours in panel.points:
        paper = published.get(ours.network) if ours.role == "ours" else None
        if paper:
            axes.plot([paper.fps, ours.fps], [paper.miou_percent, ours.miou_percent], color=INK, lw=0.7, zorder=2)
    log_ticks(axes.xaxis, limits)
    axes.set_xlabel("Frames per second, log scale (right is faster)")
    axes.set_ylabel("mIoU [%]")


def fix_panel(axes: Axes, cell: tuple[float, float, float, float]) -> None:
    """Place a drawn panel in its cell of the figure (left, bottom, width, height in inches) without measuring text."""
    left, bottom, width, height = cell
    figure = axes.get_figure(root=True)
    assert figure is not None
    wide, high = figure.get_size_inches()
    above = 0.09 + 0.155 * (1 + sum(text.get_text().count("\n") + 1 for text in axes.texts[:1])) + 0.08
    axes.set_position(
        ((left + 0.68) / wide, (bottom + 0.5) / high, (width - 0.78) / wide, (height - 0.5 - above) / high)
    )
    figure.set_layout_engine("none")


def _single(panel: Panel) -> set[Point]:
    """The points drawn one by one, with intervals, hover and keyboard: all, or the front of a crowded panel."""
    if len(panel.points) <= _CROWD:
        return set(panel.points)
    return {*panel.front, *(point for point in panel.points if point.role == "paper")}


def _look(point: Point) -> tuple[str, str, float, bool]:
    """Marker, colour, size in points, and whether the marker is hollow."""
    marker, colour, size = _LOOKS[point.role]
    return marker, colour, size, point.hollow


def _intervals(axes: Axes, points: Iterable[Point]) -> None:
    """The intervals of all points on both axes, one artist for each colour."""
    lines: dict[str, list[list[tuple[float, float]]]] = {}
    for point in points:
        found = lines.setdefault(_look(point)[1], [])
        if point.miou_span:
            found.append([(point.fps, end) for end in point.miou_span])
        if point.fps_span:
            found.append([(end, point.miou_percent) for end in point.fps_span])
    for colour, found in sorted(lines.items()):
        axes.add_collection(LineCollection(sorted(found), colors=colour, linewidths=1.0, zorder=3), autolim=False)


def _mark(axes: Axes, point: Point, gid: str) -> None:
    marker, colour, size, _ = _look(point)
    face = "none" if point.hollow else colour
    axes.plot(
        point.fps, point.miou_percent, marker=marker, color=colour, ls="none", ms=size, mfc=face, mew=1.1,
        zorder=5 if point.role != "rival" else 4, gid=gid,
    )  # fmt: skip


def _front(axes: Axes, panel: Panel) -> list[Line]:
    """Steps from the left edge to the bottom: everything below and left of them is dominated."""
    left, bottom = axes.get_xlim()[0], axes.get_ylim()[0]
    lines: list[Line] = []
    for index, point in enumerate(panel.front):
        below = panel.front[index + 1].miou_percent if index + 1 < len(panel.front) else bottom
        lines.append((left, point.miou_percent, point.fps, point.miou_percent))
        lines.append((point.fps, point.miou_percent, point.fps, below))
        left = point.fps
    return lines


def keep_clear(axes: Axes, panel: Panel) -> list[Line]:
    """Every line that names should keep clear of."""
    low, high = axes.get_ylim()
    return [(REAL_TIME, low, REAL_TIME, high), *([] if panel.smoke else _front(axes, panel))]


def _limits(axes: Axes, panel: Panel) -> tuple[float, float]:
    speeds = [value for point in panel.points for value in (point.fps, *(point.fps_span or ()))]
    scores = [value for point in panel.points for value in (point.miou_percent, *(point.miou_span or ()))]
    if not panel.smoke and min(speeds) / 8 < REAL_TIME < max(speeds) * 8:
        speeds.append(REAL_TIME)
    stretch = max((max(speeds) / min(speeds)) ** 0.2, 1.35)
    low, high = min(speeds) / stretch, max(speeds) * stretch
    axes.set_xlim(low, high)
    room = max(0.17 * (max(scores) - min(scores)), 0.6)
    axes.set_ylim(max(min(scores) - room, -1.5), min(max(scores) + room, 101.5))
    return low, high


def _labels(panel: Panel) -> list[Label]:
    front = set() if panel.smoke else set(panel.front)
    own = [p for p in panel.points if p.role in ("paper", "ours", "peer")]
    if len(own) <= _MANY:
        named = [p for p in panel.points if p in front or p.role != "rival" or any(dominates(p, one) for one in own)]
    else:
        named = own
    if len(named) > _MANY:
        named = [p for p in panel.points if p in front]
    return [
        Label(
            point.fps,
            point.miou_percent,
            point.name if point in named else "",
            *(point.miou_span or (None, None)),
            *(point.fps_span or (None, None)),
        )
        for point in sorted(panel.points, key=lambda p: p.role not in ("paper", "ours", "peer"))
    ]


PART = Part("tradeoff", "Accuracy against speed", "tradeoff", tradeoff_figures)
