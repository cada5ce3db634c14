"""Accuracy against frames per second of many networks measured in one place: a figure per setting, its front named.

Every point is numbered and the numbers are read beside it, so that no name covers another; the numbers of a campaign
are the same in all of its panels.
"""

from collections.abc import Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hyperseg.report.collection import grouped
from hyperseg.report.figures.labels import Label, freeze_layout, place_labels
from hyperseg.report.figures.style import Pane, Picture, house_style, new_figure, to_pdf, to_png, to_svg
from hyperseg.report.figures.tradeoff import draw_panel, fix_panel, keep_clear, many_measured, marks
from hyperseg.report.inputs import Inputs
from hyperseg.report.names import distinct, is_published_variant, network_title, slug
from hyperseg.report.panel import Panel, Point
from hyperseg.report.part import Part
from hyperseg.report.timed_seeds import said_of_seeds
from hyperseg.report.tradeoff import panels

_WIDTH, _HEIGHT = 6.9, 5.0  # inches of one panel: the width of a page's text
_KEY = 0.43  # of the width
_READING = (
    "Up and right is better. Blue: HyperSeg and changes of it; orange: other networks trained, scored and timed in the "
    "same way; bars: intervals; hollow: DEGRADED. Line: the Pareto front of the values, intervals aside, its members "
    "named. Dotted: 30 FPS."
)
Numbers = dict[str, int]  # network -> its number in the key


def front_figures(inputs: Inputs) -> list[Picture]:
    """One figure for each setting with many timed networks: each network's fastest engine, and eager."""
    many = [panel for panel in panels(inputs) if many_measured(panel)]
    drawn, left = inputs.collection.newest_campaigns(panel.campaign for panel in many)
    groups = grouped((panel for panel in many if panel.campaign in drawn), _setting)
    numbers = _numbered([panel for group in groups for panel in group])
    names = distinct(slug("measured", group[0].campaign, group[0].setting.lower()) for group in groups)
    caption = _READING + said_of_seeds(inputs.collection) + left
    return [_picture(name, group, numbers, caption) for name, group in zip(names, groups, strict=True)]


def _setting(panel: Panel) -> tuple[str, ...]:
    """What the panels of one figure share: they differ in the engine alone."""
    return panel.campaign, panel.setting, panel.dataset, panel.split, panel.scoring


def _numbered(found: Sequence[Panel]) -> Numbers:
    """The paper's networks first, then ours by title, then the others."""
    points = {point.network: point for panel in found for point in panel.points}
    ordered = sorted(
        points.values(),
        key=lambda p: (p.role != "ours", not is_published_variant(p.network), network_title(p.network)),
    )
    return {point.network: number for number, point in enumerate(ordered, start=1)}


def _picture(name: str, found: Sequence[Panel], numbers: Numbers, caption: str) -> Picture:
    with house_style():
        whole = _draw(found, numbers)
        panes = tuple(Pane(p.place, to_svg(_draw([p], numbers)), p.sentence, tuple(marks(p))) for p in found)
        forms = to_svg(whole), to_png(whole), to_pdf(whole)
    return Picture(name, f"Accuracy against speed, measured on {found[0].setting}", caption, *forms, panes, wide=True)


def _draw(found: Sequence[Panel], numbers: Numbers) -> Figure:
    figure = new_figure(_WIDTH, _HEIGHT * len(found))
    grid = figure.subplots(len(found), 2, squeeze=False)
    for place, (panel, (axes, key)) in enumerate(zip(found, grid, strict=True)):
        bottom = (len(found) - 1 - place) * _HEIGHT
        draw_panel(axes, panel, characters=64)
        fix_panel(axes, (0, bottom, (1 - _KEY) * _WIDTH, _HEIGHT))
        _key(key, panel, numbers)
        box = axes.get_position()
        key.set_position((1 - _KEY, box.y0, _KEY, box.height))
    canvas = freeze_layout(figure)
    for panel, (axes, _) in zip(found, grid, strict=True):
        place_labels(canvas, axes, _labels(panel, numbers), keep_clear(axes, panel))
    return figure


def _labels(panel: Panel, numbers: Numbers) -> list[Label]:
    """The front by its names, every other point by its number; the names get the best places."""
    front = set(panel.front)

    def label(point: Point) -> Label:
        text = point.name if point in front else str(numbers[point.network])
        return Label(
            point.fps, point.miou_percent, text, *(point.miou_span or (None, None)), *(point.fps_span or (None, None))
        )

    return [label(point) for point in sorted(panel.points, key=lambda p: (p not in front, p.network))]


def _key(axes: Axes, panel: Panel, numbers: Numbers) -> None:
    """The numbers' names, those of the front in bold."""
    axes.set_axis_off()
    front = {point.network for point in panel.front}
    networks = sorted((point.network for point in panel.points), key=numbers.__getitem__)
    step = min(1 / len(networks), 0.05)
    for place, network in enumerate(networks):
        weight: Literal["bold", "normal"] = "bold" if network in front else "normal"
        sides: tuple[tuple[float, str, Literal["left", "right"]], ...] = (
            (0.05, str(numbers[network]), "right"),
            (0.075, network_title(network), "left"),
        )
        for x, text, side in sides:
            axes.text(
                x, 1 - place * step, text, ha=side, va="top", weight=weight, fontsize=7.5, transform=axes.transAxes
            )  # fmt: skip


PART = Part("front", "Accuracy against speed, measured here", "tradeoff", front_figures, order=40)
