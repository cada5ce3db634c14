"""Names beside points without one lying on another: greedy, deterministic, linear in the points for each name.

A name stands nearest to its own point, or a thin line leads from it to that point.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from hyperseg.report.figures.style import INK, lay_out

# (dx, dy) in points and the alignment that goes with it, the preferred ones first: beside the point, then around it
Place = tuple[float, float, Literal["left", "center", "right"], Literal["bottom", "center", "top"]]


def _around(radius: float, angles: int) -> list[Place]:
    places: list[Place] = []
    for turn in range(angles):
        x, y = math.cos(2 * math.pi * turn / angles), math.sin(2 * math.pi * turn / angles)
        places.append((
            radius * x, radius * y, "left" if x > 0.3 else "right" if x < -0.3 else "center",
            "bottom" if y > 0.3 else "top" if y < -0.3 else "center",
        ))  # fmt: skip
    return places


_BESIDE: list[Place] = [
    (7, 0, "left", "center"), (-7, 0, "right", "center"), (0, 8, "center", "bottom"), (0, -8, "center", "top"),
    (6, 7, "left", "bottom"), (6, -7, "left", "top"), (-6, 7, "right", "bottom"), (-6, -7, "right", "top"),
]  # fmt: skip
_PLACES = (*_BESIDE, *_around(19, 12), *_around(31, 16), *_around(46, 20))
_POINT_RADIUS = 5.0  # points
_SIZE = 8.0  # points, of the names
_SHIFT = {"left": 0.0, "bottom": 0.0, "center": -0.5, "right": -1.0, "top": -1.0}

_FAR = np.arange(len(_PLACES)) >= len(_BESIDE)  # which get a line to their point
_LENGTH = np.array([0.004 * math.hypot(dx, dy) for dx, dy, _, _ in _PLACES])
_CLEAR = 3.0  # points by which a name beside its point is nearer to it than to any other
# What it costs, of the name's area: to be as near to another point, and to lead through a marker or a name.
_DOUBT, _THROUGH = 1.0, 0.6

Boxes = npt.NDArray[np.float64]  # one row per box: left, bottom, right, top, in pixels


@dataclass(frozen=True)
class Label:
    x: float
    y: float
    text: str  # empty: a point that no name may cover
    low: float | None = None  # ends of a vertical bar through the point, if it has one
    high: float | None = None
    left: float | None = None  # and of a horizontal one
    right: float | None = None


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
    points = axes.transData.transform([(label.x, label.y) for label in labels])
    markers = np.concatenate([points - _POINT_RADIUS * scale, points + _POINT_RADIUS * scale], axis=1)
    bars = [_line_box(axes, line, scale) for line in (*lines, *(bar for label in labels for bar in _bars(label)))]
    taken, names = np.array(bars).reshape(-1, 4), np.empty((0, 4))
    for index, label in enumerate(labels):
        if not label.text:
            continue
        words = label.text.split("\n")
        sizes = [renderer.get_text_width_height_descent(line, font, ismath=False) for line in words]
        size = max(width for width, _, _ in sizes), 1.25 * sum(height for _, height, _ in sizes)
        others, middles = np.delete(markers, index, axis=0), np.delete(points, index, axis=0)
        boxes = _candidates(axes, label, size, scale)
        outside = 100.0 * (_area(boxes) - _overlaps(boxes, frame))
        covered = np.concatenate([others, names])
        crossed = np.array([_crossed(points[index], box, covered) * far for box, far in zip(boxes, _FAR, strict=True)])
        own, other = _distances(boxes, points[index : index + 1])[:, 0], _distances(boxes, middles)
        nearer = (other.min(axis=1, initial=np.inf) < own + _CLEAR * scale) & ~_FAR
        doubts = (_THROUGH * crossed + _DOUBT * nearer + _LENGTH) * _area(boxes)
        costs = 2.0 * _overlaps(boxes, covered) + _overlaps(boxes, taken) + outside + doubts
        best = int(np.argmin(np.round(costs, 3)))
        leader = bool(_FAR[best] or nearer[best])
        _annotate(axes, label, _PLACES[best], leader=leader)
        names = np.concatenate([names, boxes[best : best + 1]])
        if leader:
            way = _way(points[index], boxes[best])
            taken = np.concatenate([taken, np.concatenate([way - scale, way + scale], axis=1)])


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


def _distances(boxes: Boxes, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """From every box to every point."""
    outside = np.maximum(np.maximum(boxes[:, None, :2] - points, points - boxes[:, None, 2:]), 0)
    found: npt.NDArray[np.float64] = np.hypot(outside[..., 0], outside[..., 1])
    return found


def _way(point: npt.NDArray[np.float64], box: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Points on the line from a point to a name."""
    return np.asarray(point + np.linspace(0, 1, 24)[:, None] * (np.clip(point, box[:2], box[2:]) - point))


def _crossed(point: npt.NDArray[np.float64], box: npt.NDArray[np.float64], others: Boxes) -> int:
    """How many other markers and names lie under a line from a point to its name."""
    way = _way(point, box)
    inside = (way[:, None] > others[:, :2]) & (way[:, None] < others[:, 2:])
    return int(inside.all(axis=2).any(axis=0).sum())


def _annotate(axes: Axes, label: Label, place: Place, *, leader: bool) -> None:
    dx, dy, horizontal, vertical = place
    axes.annotate(
        label.text,
        (label.x, label.y),
        xytext=(dx, dy),
        textcoords="offset points",
        ha=horizontal,
        va=vertical,
        fontsize=_SIZE,
        arrowprops={"arrowstyle": "-", "lw": 0.6, "color": INK, "alpha": 0.6, "shrinkA": 0, "shrinkB": 2}
        if leader
        else None,
        zorder=5,
    )


def _bars(label: Label) -> list[Line]:
    """The bars through a point, which names keep clear of, its own too."""
    bars: list[Line] = []
    if label.low is not None and label.high is not None:
        bars.append((label.x, label.low, label.x, label.high))
    if label.left is not None and label.right is not None:
        bars.append((label.left, label.y, label.right, label.y))
    return bars


def _line_box(axes: Axes, line: Line, half: float) -> list[float]:
    (x0, y0), (x1, y1) = axes.transData.transform([line[:2], line[2:]])
    return [min(x0, x1) - half, min(y0, y1) - half, max(x0, x1) + half, max(y0, y1) + half]
