"""Names beside points without one lying on another: greedy, deterministic, linear in the points for each name."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from hyperseg.report.figures.style import lay_out

# (dx, dy) in points and the alignment that goes with it, the preferred ones first
_PLACES: tuple[tuple[float, float, str, str], ...] = (
    (7, 0, "left", "center"), (-7, 0, "right", "center"), (0, 8, "center", "bottom"), (0, -8, "center", "top"),
    (6, 7, "left", "bottom"), (6, -7, "left", "top"), (-6, 7, "right", "bottom"), (-6, -7, "right", "top"),
    (0, 20, "center", "bottom"), (0, -20, "center", "top"), (14, 18, "left", "bottom"), (14, -18, "left", "top"),
    (-14, 18, "right", "bottom"), (-14, -18, "right", "top"), (0, 33, "center", "bottom"), (0, -33, "center", "top"),
    (22, 32, "left", "bottom"), (22, -32, "left", "top"), (-22, 32, "right", "bottom"), (-22, -32, "right", "top"),
)  # fmt: skip
_POINT_RADIUS = 5.0  # points
_SIZE = 8.0  # points, of the names
_SHIFT = {"left": 0.0, "bottom": 0.0, "center": -0.5, "right": -1.0, "top": -1.0}

Boxes = npt.NDArray[np.float64]  # one row per box: left, bottom, right, top, in pixels


@dataclass(frozen=True)
class Label:
    x: float
    y: float
    text: str  # empty: a point that no name may cover
    low: float | None = None  # ends of a vertical bar through the point, if it has one
    high: float | None = None


def freeze_layout(figure: Figure) -> FigureCanvasAgg:
    """The canvas of a figure that is laid out: names that come later move no axes."""
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    lay_out(figure)
    return canvas


Line = tuple[float, float, float, float]  # x, y of one end and of the other, in data coordinates


def place_labels(canvas: FigureCanvasAgg, axes: Axes, labels: Sequence[Label], lines: Sequence[Line] = ()) -> None:
    """Annotate every point that has a name, choosing the place around it where the name touches least.

    `lines` are horizontal or vertical; names keep clear of them where they can. The first labels get the best places.
    Call it on a frozen layout, with limits and scales final. A name that was moved away gets a thin leader line.
    """
    if not labels:
        return
    renderer, scale = canvas.get_renderer(), canvas.figure.dpi / 72.0
    window = axes.get_window_extent(renderer)
    frame = np.array([[window.x0, window.y0, window.x1, window.y1]])
    font = FontProperties(size=_SIZE)
    taken = np.concatenate([_obstacle(axes, label, _POINT_RADIUS * scale) for label in labels])
    drawn = np.array([_line_box(axes, line, scale) for line in lines]).reshape(-1, 4)
    taken = np.concatenate([taken, drawn])
    for index, label in enumerate(labels):
        if not label.text:
            continue
        words = label.text.split("\n")
        sizes = [renderer.get_text_width_height_descent(line, font, ismath=False) for line in words]
        size = max(width for width, _, _ in sizes), 1.25 * sum(height for _, height, _ in sizes)
        obstacles = np.delete(taken, index, axis=0)
        boxes = _candidates(axes, label, size, scale)
        outside = 4.0 * (_area(boxes) - _overlaps(boxes, frame))
        costs = _overlaps(boxes, obstacles) + outside
        best = int(np.argmin(np.round(costs, 3)))
        _annotate(axes, label, _PLACES[best])
        taken = np.concatenate([taken, boxes[best : best + 1]])


def _candidates(axes: Axes, label: Label, size: tuple[float, float], scale: float) -> Boxes:
    x, y = axes.transData.transform((label.x, label.y))
    pad = 1.5 * scale
    boxes = []
    for dx, dy, horizontal, vertical in _PLACES:
        left = x + dx * scale + _SHIFT[horizontal] * size[0]
        bottom = y + dy * scale + _SHIFT[vertical] * size[1]
        boxes.append([left - pad, bottom - pad, left + size[0] + pad, bottom + size[1] + pad])
    return np.array(boxes)


def _overlaps(boxes: Boxes, others: Boxes) -> npt.NDArray[np.float64]:
    """The area that each box shares with all others together."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared: npt.NDArray[np.float64] = np.clip(high - low, 0, None).prod(axis=2).sum(axis=1)
    return shared


def _area(boxes: Boxes) -> npt.NDArray[np.float64]:
    area: npt.NDArray[np.float64] = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return area


def _annotate(axes: Axes, label: Label, place: tuple[float, float, str, str]) -> None:
    dx, dy, horizontal, vertical = place
    far = abs(dx) + abs(dy) > 16
    axes.annotate(
        label.text,
        (label.x, label.y),
        xytext=(dx, dy),
        textcoords="offset points",
        ha=horizontal,
        va=vertical,
        fontsize=_SIZE,
        arrowprops={"arrowstyle": "-", "lw": 0.5, "color": "#8b949e", "shrinkA": 0, "shrinkB": 4} if far else None,
        zorder=5,
    )


def _obstacle(axes: Axes, label: Label, radius: float) -> Boxes:
    """The box around a point's marker, and around its bar where it has one."""
    x, y = axes.transData.transform((label.x, label.y))
    low = y if label.low is None else axes.transData.transform((label.x, label.low))[1]
    high = y if label.high is None else axes.transData.transform((label.x, label.high))[1]
    return np.array([[x - radius, min(low, y - radius), x + radius, max(high, y + radius)]])


def _line_box(axes: Axes, line: Line, half: float) -> list[float]:
    (x0, y0), (x1, y1) = axes.transData.transform([line[:2], line[2:]])
    return [min(x0, x1) - half, min(y0, y1) - half, max(x0, x1) + half, max(y0, y1) + half]
