"""Names beside points without one lying on another: greedy, deterministic."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

# (dx, dy) in points and the alignment that goes with it, the preferred ones first
_PLACES: tuple[tuple[float, float, str, str], ...] = (
    (7, 0, "left", "center"), (-7, 0, "right", "center"), (0, 8, "center", "bottom"), (0, -8, "center", "top"),
    (6, 7, "left", "bottom"), (6, -7, "left", "top"), (-6, 7, "right", "bottom"), (-6, -7, "right", "top"),
    (0, 20, "center", "bottom"), (0, -20, "center", "top"), (14, 18, "left", "bottom"), (14, -18, "left", "top"),
    (-14, 18, "right", "bottom"), (-14, -18, "right", "top"), (0, 33, "center", "bottom"), (0, -33, "center", "top"),
    (22, 32, "left", "bottom"), (22, -32, "left", "top"), (-22, 32, "right", "bottom"), (-22, -32, "right", "top"),
)  # fmt: skip
_POINT_RADIUS = 5.0  # points


@dataclass(frozen=True)
class Label:
    x: float
    y: float
    text: str
    low: float | None = None  # ends of a vertical bar through the point, if it has one
    high: float | None = None


def freeze_layout(figure: Figure) -> FigureCanvasAgg:
    """Lay the figure out now and keep it so: names that come later move no axes."""
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()
    figure.set_layout_engine("none")
    return canvas


def place_labels(canvas: FigureCanvasAgg, axes: Axes, labels: Sequence[Label], others: Sequence[Label] = ()) -> None:
    """Annotate every point, trying places around it until the name is inside the axes and touches nothing.

    Call it on a frozen layout, with limits and scales final. `others` are points without a name that no name may cover.
    A name that was moved away gets a thin leader line. Where no place is free, the one that overlaps least is taken.
    """
    renderer, scale = canvas.get_renderer(), canvas.figure.dpi / 72.0
    frame = axes.get_window_extent(renderer)
    radius = _POINT_RADIUS * scale
    taken = [_obstacle(axes, label, radius) for label in [*labels, *others]]
    for index, label in enumerate(labels):
        obstacles = [box for number, box in enumerate(taken) if number != index]
        best: tuple[float, Annotation, Bbox] | None = None
        for place in _PLACES:
            note = _annotate(axes, label, place)
            note.update_positions(renderer)
            box = Text.get_window_extent(note, renderer).padded(1.5 * scale)
            cost = sum(_overlap(box, other) for other in obstacles) + 4.0 * (_area(box) - _overlap(box, frame))
            if best is None or cost < best[0] - 1e-6:
                if best is not None:
                    best[1].remove()
                best = (cost, note, box)
            else:
                note.remove()
            if best[0] <= 1e-6:
                break
        assert best is not None
        taken.append(best[2])


def _annotate(axes: Axes, label: Label, place: tuple[float, float, str, str]) -> Annotation:
    dx, dy, horizontal, vertical = place
    far = abs(dx) + abs(dy) > 16
    return axes.annotate(
        label.text,
        (label.x, label.y),
        xytext=(dx, dy),
        textcoords="offset points",
        ha=horizontal,
        va=vertical,
        fontsize=8.0,
        arrowprops={"arrowstyle": "-", "lw": 0.5, "color": "#8b949e", "shrinkA": 0, "shrinkB": 4} if far else None,
        zorder=5,
    )


def _obstacle(axes: Axes, label: Label, radius: float) -> Bbox:
    x, y = axes.transData.transform((label.x, label.y))
    low = axes.transData.transform((label.x, label.y if label.low is None else label.low))[1]
    high = axes.transData.transform((label.x, label.y if label.high is None else label.high))[1]
    return Bbox.from_extents(x - radius, min(y - radius, low), x + radius, max(y + radius, high))


def _area(box: Bbox) -> float:
    return float(box.width * box.height)


def _overlap(a: Bbox, b: Bbox) -> float:
    width = min(a.x1, b.x1) - max(a.x0, b.x0)
    height = min(a.y1, b.y1) - max(a.y0, b.y0)
    return float(max(width, 0.0) * max(height, 0.0))
