"""Drawing on sprites: small uint8 images whose values are materials, 0 being clear. Made once per process."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Sprite = NDArray[np.uint8]
Point = tuple[float, float]


class Sketch:
    """A sprite being drawn in metres: x from the middle, y up from the ground, ``density`` texels per metre."""

    def __init__(self, width: float, height: float, density: float) -> None:
        rows, columns = int(height * density + 0.5), int(width * density + 0.5)
        self.width = width
        self.height = height
        self.texels: Sprite = np.zeros((rows, columns), dtype=np.uint8)
        self.x = ((np.arange(columns) + 0.5) / density - 0.5 * width)[None, :]
        self.y = (height - (np.arange(rows) + 0.5) / density)[:, None]

    def limb(self, start: Point, end: Point, thick: float, thin: float, material: int) -> None:
        """A rounded stroke from ``start`` to ``end`` whose radius goes from ``thick`` to ``thin``."""
        dx, dy = end[0] - start[0], end[1] - start[1]
        length2 = dx * dx + dy * dy + 1e-12
        t = ((self.x - start[0]) * dx + (self.y - start[1]) * dy) / length2
        t = np.minimum(np.maximum(t, 0.0), 1.0)
        across, up = self.x - start[0] - t * dx, self.y - start[1] - t * dy
        radius = thick + (thin - thick) * t
        self.texels[across * across + up * up < radius * radius] = material

    def oval(self, centre: Point, rx: float, ry: float, material: int, hole: float = 0.0) -> None:
        """An upright ellipse; ``hole`` leaves the inner share of it untouched."""
        across, up = (self.x - centre[0]) / rx, (self.y - centre[1]) / ry
        d2 = across * across + up * up
        self.texels[(d2 < 1.0) & (d2 >= hole * hole)] = material

    def convex(self, points: list[Point], material: int) -> None:
        """A convex polygon, its corners counted anticlockwise."""
        inside = np.ones(self.texels.shape, dtype=bool)
        xa, ya = points[-1]
        for xb, yb in points:
            inside &= (xb - xa) * (self.y - ya) - (yb - ya) * (self.x - xa) >= 0.0
            xa, ya = xb, yb
        self.texels[inside] = material

    def box(self, left: float, bottom: float, right: float, top: float, material: int) -> None:
        """An upright rectangle."""
        inside = (self.x >= left) & (self.x < right) & (self.y >= bottom) & (self.y < top)
        self.texels[inside] = material

    def finished(self) -> Sprite:
        """The sprite, made read-only."""
        self.texels.flags.writeable = False
        return self.texels
