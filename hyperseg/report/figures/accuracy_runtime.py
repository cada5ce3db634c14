"""Accuracy against runtime: our points and the paper's, never two kinds of hardware without a marker each."""

from collections.abc import Sequence
from math import ceil

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hyperseg.report.collection import Collection
from hyperseg.report.facts import PaperRow
from hyperseg.report.figures.labels import Label, freeze_layout, place_labels
from hyperseg.report.figures.points import Panel, Point, Series, left_out, panels
from hyperseg.report.figures.style import (
    COLOURS,
    INK,
    MARKERS,
    Picture,
    house_style,
    log_ticks,
    new_figure,
    to_png,
    to_svg,
    wrapped,
)
from hyperseg.report.inputs import Inputs
from hyperseg.report.part import Part

Look = tuple[str, str]  # marker, colour


def accuracy_runtime(collection: Collection, paper: Sequence[PaperRow]) -> Picture | None:
    """The figure, or None where no network has both a mIoU and a latency and the paper's numbers are not given."""
    found = panels(collection, paper)
    if not found:
        return None
    looks = _looks([point.series for panel in found for point in panel.points])
    with house_style():
        wide = _draw(found, looks, columns=min(3, len(found)), panel_inches=(3.65, 3.3))
        narrow = _draw(found, looks, columns=1, panel_inches=(3.75, 2.9))
        return Picture(
            name="accuracy_runtime",
            title="Accuracy against runtime",
            caption=_caption(collection, found),
            svg=to_svg(wide),
            png=to_png(wide),
            narrow_svg=to_svg(narrow),
        )


def _caption(collection: Collection, found: list[Panel]) -> str:
    points = [point for panel in found for point in panel.points]
    text = (
        "Up and left is better. Each panel is one dataset and one way of scoring; each marker is one kind of hardware, "
        "and times are comparable within one marker only."
    )
    if any(not point.solid for point in points):
        text += " Hollow markers are DEGRADED or smoke runs; smoke runs enter no claim, whatever their verdict."
    if any(point.spread for point in points):
        text += " Bars: bootstrap interval over images, or standard deviation over seeds."
    if not all(point.same_input for point in points):
        text += " Some networks were scored at another input size than they were timed at: the tables give both."
    dropped = left_out(collection)
    if dropped:
        text += f" {dropped} INVALID {'latency is' if dropped == 1 else 'latencies are'} not drawn."
    return text


def _looks(series: list[Series]) -> dict[Series, Look]:
    """A marker and a colour for each series; the paper's is a star in the text's colour."""
    ours = sorted({one for one in series if not one.of_paper})
    papers = sorted({one for one in series if one.of_paper})
    looks = {one: (MARKERS[i % len(MARKERS)], COLOURS[i % len(COLOURS)]) for i, one in enumerate(ours)}
    stars = ("*", "p", "h")
    return looks | {one: (stars[i % len(stars)], INK) for i, one in enumerate(papers)}


def _draw(found: list[Panel], looks: dict[Series, Look], columns: int, panel_inches: tuple[float, float]) -> Figure:
    rows = ceil(len(found) / columns)
    width = panel_inches[0] * columns
    legend = _legend(found, looks, width)
    lines = sum(str(handle.get_label()).count("\n") + 1 for handle in legend)
    height = panel_inches[1] * rows + 0.2 * lines + 0.15
    figure = new_figure(width, height)
    grid = figure.subplots(rows, columns, squeeze=False)
    axes = [grid[index // columns][index % columns] for index in range(rows * columns)]
    for panel, one in zip(found, axes, strict=False):
        _draw_panel(one, panel, looks)
    for unused in axes[len(found) :]:
        unused.remove()
    figure.legend(handles=legend, loc="outside lower left", ncols=1, handletextpad=0.6, borderaxespad=0.2)
    canvas = freeze_layout(figure)
    for panel, one in zip(found, axes, strict=False):
        place_labels(canvas, one, _panel_labels(panel))
    return figure


def _draw_panel(axes: Axes, panel: Panel, looks: dict[Series, Look]) -> None:
    axes.set_title(panel.title, pad=19)
    axes.text(0, 1.03, panel.subtitle, transform=axes.transAxes, fontsize=8.5)
    axes.set_xscale("log")
    for point in panel.points:
        marker, colour = looks[point.series]
        if point.spread:
            axes.plot([point.milliseconds] * 2, point.spread, color=colour, lw=1.1, alpha=0.6, zorder=2)
        axes.plot(
            point.milliseconds, point.miou_percent, marker=marker, color=colour, ls="none", zorder=3,
            ms=11 if marker == "*" else 7, mew=1.4, mfc=colour if point.solid else "none",
        )  # fmt: skip
    _limits(axes, panel.points)
    axes.set_xlabel("Latency per image [ms], log scale")
    axes.set_ylabel("mIoU [%]")


def _limits(axes: Axes, points: Sequence[Point]) -> None:
    times = [point.milliseconds for point in points]
    scores = [value for point in points for value in (point.miou_percent, *(point.spread or ()))]
    stretch = max((max(times) / min(times)) ** 0.25, 1.45)
    low, high = min(times) / stretch, max(times) * stretch
    axes.set_xlim(low, high)
    room = max(0.18 * (max(scores) - min(scores)), 0.6)
    axes.set_ylim(max(min(scores) - room, -1.5), min(max(scores) + room, 101.5))
    log_ticks(axes.xaxis, (low, high))


def _panel_labels(panel: Panel) -> list[Label]:
    """Names without the dataset they were published on, where that tells the panel's networks apart already."""
    short = {point.network: point.network.split(" (")[0] for point in panel.points}
    if len(set(short.values())) < len(short):
        short = {name: name for name in short}
    return [
        Label(point.milliseconds, point.miou_percent, short[point.network], *(point.spread or (None, None)))
        for point in panel.points
    ]


def _legend(found: list[Panel], looks: dict[Series, Look], width: float) -> list[Line2D]:
    points = [point for panel in found for point in panel.points]
    hardware = {(one.hardware, one.machine) for one in looks}
    handles = []
    for series, (marker, colour) in looks.items():
        engines = sorted({point.engine for point in points if point.series == series})
        solid = any(point.solid for point in points if point.series == series)
        name = series.hardware
        if sum(other == series.hardware for other, _ in hardware) > 1 and series.machine:
            name += f" ({series.machine})"  # two machines with the same processor
        engine = engines[0] if len(engines) == 1 else "fastest engine of each"
        kind = f"{series.protocol}, {engine}, {series.precision}{', no claim' if series.smoke else ''}"
        text = wrapped(f"the paper, {name}: {kind}" if series.of_paper else f"{name}: {kind}", width)
        face = colour if solid else "none"
        size = 10 if marker == "*" else 6.5
        handles.append(Line2D([], [], marker=marker, color=colour, ls="none", mfc=face, ms=size, mew=1.4, label=text))
    return handles


def _build(inputs: Inputs) -> list[Picture]:
    picture = accuracy_runtime(inputs.collection, inputs.paper)
    return [picture] if picture else []


PART = Part("accuracy_runtime", "Accuracy against runtime", "tradeoff", _build)
