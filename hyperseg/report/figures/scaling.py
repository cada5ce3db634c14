"""How time grows with the input's pixels and with the batch, from the sweep points of latency records."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from hyperseg.records import LatencyNumbers, SweepPoint
from hyperseg.report.collection import Collection, Entry, latency_key
from hyperseg.report.figures.style import (
    COLOURS,
    FAINT,
    MARKERS,
    Picture,
    house_style,
    log_ticks,
    new_figure,
    to_png,
    to_svg,
    wrapped,
)
from hyperseg.report.names import device_title, network_title

Latency = Entry[LatencyNumbers]


def scaling_figure(collection: Collection) -> Picture | None:
    """None where no latency record holds a sweep of at least two points. INVALID points are not drawn."""
    swept = [entry for entry in sorted(collection.latency, key=latency_key) if _axes_of(entry)]
    if not swept:
        return None
    kinds = [axis for axis in ("input", "batch") if any(axis in _axes_of(entry) for entry in swept)]
    with house_style():
        wide, narrow = _draw(swept, kinds, wide=True), _draw(swept, kinds, wide=False)
        return Picture(
            name="scaling",
            title="How time grows with input size and batch",
            caption="Median time of one image at batch 1 against its pixels, and images per second against the batch. "
            "Dashed: proportional to the pixels, through the point nearest the native size. "
            "Times are comparable within one device only.",
            svg=to_svg(wide),
            png=to_png(wide),
            narrow_svg=to_svg(narrow),
        )


def _axes_of(entry: Latency) -> set[str]:
    return {axis for axis in ("input", "batch") if len(_points(entry, axis)) > 1}


def _points(entry: Latency, axis: str) -> list[SweepPoint]:
    points = [p for p in entry.numbers.points if p.axis == axis and p.verdict.verdict != "INVALID"]
    return sorted(points, key=lambda p: (p.input_height * p.input_width, p.batch))


def _draw(swept: list[Latency], kinds: list[str], *, wide: bool) -> Figure:
    titles = [wrapped(_title(entry), 4.2 * len(kinds) if wide else 3.75) for entry in swept]
    legend_height = 0.2 * sum(title.count("\n") + 1 for title in titles) + 0.1
    if wide:
        figure = new_figure(4.2 * len(kinds), 3.1 + legend_height)
        grid = figure.subplots(1, len(kinds), squeeze=False)[0]
    else:
        figure = new_figure(3.75, 2.7 * len(kinds) + legend_height)
        grid = figure.subplots(len(kinds), 1, squeeze=False)[:, 0]
    for axes, kind in zip(grid, kinds, strict=True):
        for index, entry in enumerate(swept):
            points, colour = _points(entry, kind), COLOURS[index % len(COLOURS)]
            if len(points) > 1:
                _pixels(axes, points, colour, index) if kind == "input" else _batches(axes, points, colour, index)
        axes.set_xscale("log")
        axes.set_yscale("log")
        log_ticks(axes.yaxis, axes.get_ylim())
        if kind == "input":
            log_ticks(axes.xaxis, axes.get_xlim())
        else:
            batches = sorted({point.batch for entry in swept for point in _points(entry, kind)})
            axes.set_xticks(batches, [str(batch) for batch in batches], minor=False)
            axes.xaxis.set_minor_locator(NullLocator())
    handles = [
        Line2D([], [], color=COLOURS[i % len(COLOURS)], marker=MARKERS[i % len(MARKERS)], ms=5, lw=1.3, label=title)
        for i, title in enumerate(titles)
    ]
    figure.legend(handles=handles, loc="outside lower left")
    return figure


def _pixels(axes: Axes, points: list[SweepPoint], colour: str, index: int) -> None:
    x = [point.input_height * point.input_width / 1e6 for point in points]
    y = [point.median_ms / point.batch for point in points]
    anchor = min(range(len(points)), key=lambda i: abs(points[i].pixel_ratio - 1))
    axes.plot(x, [y[anchor] * value / x[anchor] for value in x], ls="--", lw=0.8, color=FAINT, zorder=1)
    axes.plot(x, y, color=colour, marker=MARKERS[index % len(MARKERS)], ms=5, lw=1.3)
    axes.set_xlabel("Pixels of the input [megapixels], log scale")
    axes.set_ylabel("Median [ms], log scale")


def _batches(axes: Axes, points: list[SweepPoint], colour: str, index: int) -> None:
    x, y = [point.batch for point in points], [point.fps for point in points]
    axes.plot(x, y, color=colour, marker=MARKERS[index % len(MARKERS)], ms=5, lw=1.3)
    axes.set_xlabel("Batch, log scale")
    axes.set_ylabel("Images per second, log scale")


def _title(entry: Latency) -> str:
    numbers = entry.numbers
    text = f"{network_title(entry.record.network.id)}: {device_title(numbers.device_name)}, {numbers.engine}, "
    text += numbers.precision
    if numbers.pixel_exponent is not None:
        text += f" (time ~ pixels^{numbers.pixel_exponent:.2f})"
    return text
