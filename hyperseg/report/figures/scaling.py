"""How time grows with the input's pixels and with the batch, from the sweep points of latency records."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from hyperseg.records import SweepPoint
from hyperseg.report.collection import Collection, Latency
from hyperseg.report.figures.style import (
    COLOURS,
    FAINT,
    MARKERS,
    Picture,
    house_style,
    log_ticks,
    new_figure,
    picture,
    wrapped,
)
from hyperseg.report.inputs import Inputs
from hyperseg.report.names import device_title, network_title
from hyperseg.report.part import Part
from hyperseg.report.timed_seeds import of_one_seed, said_of_seeds, seed_order


def scaling_figure(collection: Collection) -> Picture | None:
    """None where no latency record holds a sweep of at least two points. INVALID points are not drawn."""
    ordered = sorted(of_one_seed(collection), key=lambda entry: seed_order(entry, collection))
    swept = [entry for entry in ordered if _axes_of(entry)]
    if not swept:
        return None
    kinds = [axis for axis in ("input", "batch") if any(axis in _axes_of(entry) for entry in swept)]
    with house_style():
        return picture(
            "scaling",
            "How time grows with input size and batch",
            "Median time of one image at batch 1 against its pixels, and images per second against the batch. "
            "Dashed: proportional to the pixels, through the point nearest the native size. "
            "~ pixels^p: the growth fitted to all sizes. Hollow: DEGRADED. Times are comparable within one device only."
            + said_of_seeds(collection),
            _draw(swept, kinds),
        )


def _axes_of(entry: Latency) -> set[str]:
    return {axis for axis in ("input", "batch") if len(_points(entry, axis)) > 1}


def _points(entry: Latency, axis: str) -> list[SweepPoint]:
    """The points along an axis in order; the native input at the smallest batch is on both axes, and stored once."""
    points = [p for p in entry.numbers.points if p.verdict.verdict != "INVALID"]
    along = [p for p in points if p.axis == axis]
    if axis == "batch":
        native = [p for p in points if p.axis == "input" and p.pixel_ratio == 1]
        along += [p for p in native if p.batch not in {other.batch for other in along}]
    return sorted(along, key=lambda p: (p.input_height * p.input_width, p.batch))


def _draw(swept: list[Latency], kinds: list[str]) -> Figure:
    shared, titles = _titles(swept)
    columns = 2 if len(kinds) == 2 and len(titles) > 3 else 1
    titles = [wrapped(title, 4.2 * len(kinds) / columns) for title in titles]
    lines = sum(title.count("\n") + 1 for title in titles) / columns + bool(shared)
    legend_height = 0.2 * (lines + 0.5) + 0.1
    figure = new_figure(4.2 * len(kinds), 3.1 + legend_height)
    grid = figure.subplots(1, len(kinds), squeeze=False)[0]
    looks = _looks(swept)
    for axes, kind in zip(grid, kinds, strict=True):
        for entry, (colour, marker) in zip(swept, looks, strict=True):
            points = _points(entry, kind)
            if len(points) > 1:
                _pixels(axes, points, colour, marker) if kind == "input" else _batches(axes, points, colour, marker)
        axes.set_xscale("log")
        axes.set_yscale("log")
        _widen(axes)
        log_ticks(axes.yaxis, axes.get_ylim())
        if kind == "input":
            log_ticks(axes.xaxis, axes.get_xlim())
        else:
            batches = sorted({point.batch for entry in swept for point in _points(entry, kind)})
            axes.set_xticks(batches, [str(batch) for batch in batches], minor=False)
            axes.xaxis.set_minor_locator(NullLocator())
    handles = [
        Line2D([], [], color=colour, marker=marker, ms=5, lw=1.3, label=title)
        for title, (colour, marker) in zip(titles, looks, strict=True)
    ]
    figure.legend(handles=handles, loc="outside lower left", title=shared, alignment="left", ncols=columns)
    return figure


def _looks(swept: list[Latency]) -> list[tuple[str, str]]:
    """A colour for each network and a marker for each device, engine and precision."""
    networks = list(dict.fromkeys(entry.record.network.id for entry in swept))
    settings = list(dict.fromkeys(_setting(entry) for entry in swept))
    return [
        (
            COLOURS[networks.index(entry.record.network.id) % len(COLOURS)],
            MARKERS[settings.index(_setting(entry)) % len(MARKERS)],
        )
        for entry in swept
    ]


def _pixels(axes: Axes, points: list[SweepPoint], colour: str, marker: str) -> None:
    x = [point.input_height * point.input_width / 1e6 for point in points]
    y = [point.median_ms / point.batch for point in points]
    anchor = min(range(len(points)), key=lambda i: abs(points[i].pixel_ratio - 1))
    axes.plot(x, [y[anchor] * value / x[anchor] for value in x], ls="--", lw=0.8, color=FAINT, zorder=1)
    _line(axes, x, y, points, colour, marker)
    axes.set_xlabel("Pixels of the input [megapixels], log scale")
    axes.set_ylabel("Median [ms], log scale")


def _batches(axes: Axes, points: list[SweepPoint], colour: str, marker: str) -> None:
    x, y = [point.batch for point in points], [point.fps for point in points]
    _line(axes, x, y, points, colour, marker)
    axes.set_xlabel("Batch, log scale")
    axes.set_ylabel("Images per second, log scale")


def _line(
    axes: Axes, x: Sequence[float], y: Sequence[float], points: Sequence[SweepPoint], colour: str, marker: str
) -> None:
    axes.plot(x, y, color=colour, lw=1.3)
    for across, up, point in zip(x, y, points, strict=True):
        inside = colour if point.verdict.verdict == "VALID" else "none"
        axes.plot([across], [up], color=colour, marker=marker, ms=5, mfc=inside, ls="")


def _widen(axes: Axes) -> None:
    """At least a factor of two from bottom to top, so that a small gain does not fill the panel."""
    low, high = axes.get_ylim()
    if high < 2 * low:
        middle = math.sqrt(low * high)
        axes.set_ylim(middle / math.sqrt(2), middle * math.sqrt(2))


def _setting(entry: Latency) -> tuple[str, str, str, str]:
    numbers = entry.numbers
    return device_title(numbers.device_name), numbers.engine, numbers.precision, entry.record.network.source


def _titles(swept: list[Latency]) -> tuple[str, list[str]]:
    """What all sweeps have in common of device, engine and precision, stated once, and each sweep's own title."""
    columns = list(zip(*(_setting(entry)[:3] for entry in swept), strict=True))
    common = [len(set(column)) == 1 for column in columns]
    titles = []
    for entry in swept:
        own = [value for value, same in zip(_setting(entry)[:3], common, strict=True) if not same]
        source = entry.record.network.source
        name = network_title(entry.record.network.id) + (" (authors' code)" if source == "authors" else "")
        exponent = entry.numbers.pixel_exponent
        own += [] if exponent is None else [f"~ pixels^{exponent:.2f}"]
        titles.append(", ".join([name, *own]))
    return ", ".join(column[0] for column, same in zip(columns, common, strict=True) if same), titles


def _build(inputs: Inputs) -> list[Picture]:
    drawn = scaling_figure(inputs.collection)
    return [drawn] if drawn else []


PART = Part("scaling", "Scaling", "speed", _build)
