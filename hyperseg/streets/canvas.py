"""The canvas: one 32-bit word per pixel holds colour and class, so that no pixel can have one without the other.

Everything here is integer work or float64 ``+ - * /``, each of which IEEE 754 fixes to the last bit, in an order that
numpy cannot change; the same scene gives the same bytes on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]

# A word is R + 256 G + 65536 B + 2^24 class. This mask keeps the seven low bits of each halved colour byte.
_HALF_COLOUR = 0x7F7F7F
_CLASS = 0xFF000000


class Canvas:
    """An image being painted: ``words`` is uint32 (height, width). Points are (column, row), pixel centres at .5."""

    def __init__(self, height: int, width: int) -> None:
        self.height = height
        self.width = width
        self.words: NDArray[np.uint32] = np.zeros((height, width), dtype=np.uint32)

    def fill_rectangle(self, left: float, top: float, right: float, bottom: float, word: int) -> None:
        """Paint the pixels whose centres lie in the rectangle."""
        x0, x1 = _span(left, right, self.width)
        y0, y1 = _span(top, bottom, self.height)
        if x0 < x1 and y0 < y1:
            self.words[y0:y1, x0:x1] = word

    def fill_polygon(self, points: Sequence[Point], word: int) -> None:
        """Paint a polygon that meets every row in one run (each convex one does)."""
        words = self.words
        for y, x0, x1 in self._runs(points):
            words[y, x0:x1] = word

    def darken_polygon(self, points: Sequence[Point]) -> None:
        """Halve the colours inside, keeping the classes: a shadow."""
        for y, x0, x1 in self._runs(points):
            run = self.words[y, x0:x1]
            self.words[y, x0:x1] = (run & _CLASS) | ((run >> 1) & _HALF_COLOUR)

    def blit(
        self,
        sprite: NDArray[np.uint8],
        box: tuple[float, float, float, float],
        words: NDArray[np.uint32],
        flip: bool = False,
    ) -> None:
        """Stretch a sprite over ``box`` = (left, top, right, bottom); texel value 0 is clear, v > 0 paints words[v]."""
        placed = self._place(sprite, box, flip)
        if placed is not None:
            area, texels = placed
            np.copyto(area, words.take(texels), where=texels != 0)

    def darken_sprite(self, sprite: NDArray[np.uint8], box: tuple[float, float, float, float]) -> None:
        """Halve the colours under a sprite's painted texels, keeping the classes: a dappled shadow."""
        placed = self._place(sprite, box, False)
        if placed is not None:
            area, texels = placed
            np.copyto(area, (area & _CLASS) | ((area >> 1) & _HALF_COLOUR), where=texels != 0)

    def _place(
        self, sprite: NDArray[np.uint8], box: tuple[float, float, float, float], flip: bool
    ) -> tuple[NDArray[np.uint32], NDArray[np.uint8]] | None:
        """The part of the canvas under the box, and the sprite's texels for it."""
        left, top, right, bottom = box
        x0, x1 = _span(left, right, self.width)
        y0, y1 = _span(top, bottom, self.height)
        if x0 >= x1 or y0 >= y1:
            return None
        rows, columns = sprite.shape
        i = ((np.arange(y0, y1) + (0.5 - top)) * (rows / (bottom - top))).astype(np.int64)
        j = ((np.arange(x0, x1) + (0.5 - left)) * (columns / (right - left))).astype(np.int64)
        if flip:
            j = columns - 1 - j
        texels = sprite.take(i, axis=0, mode="clip").take(j, axis=1, mode="clip")
        return self.words[y0:y1, x0:x1], texels

    def _runs(self, points: Sequence[Point]) -> list[tuple[int, int, int]]:
        """(row, first column, end column) of every row the polygon covers."""
        ys = [y for _, y in points]
        y0, y1 = _span(min(ys), max(ys), self.height)
        if y0 >= y1:
            return []
        # Start from an empty run in each row; every edge then stretches it to where it crosses the row's middle.
        limit = float(self.width)
        lows = [limit] * (y1 - y0)
        highs = [0.0] * (y1 - y0)
        xa, ya = points[-1]
        for xb, yb in points:
            if ya != yb:
                slope = (xb - xa) / (yb - ya)
                first, last = (ya, yb) if ya < yb else (yb, ya)
                e0 = int(first + 0.5) if first > y0 else y0
                e1 = int(last + 0.5) if last < y1 else y1
                x = xa + (e0 + 0.5 - ya) * slope
                for k in range(e0 - y0, e1 - y0):
                    if x < lows[k]:
                        lows[k] = x
                    if x > highs[k]:
                        highs[k] = x
                    x += slope
            xa, ya = xb, yb
        runs = []
        for k, low in enumerate(lows):
            high = highs[k]
            x0 = int(low + 0.5) if low > 0.0 else 0
            x1 = int(high + 0.5) if high < limit else self.width
            if x0 < x1:
                runs.append((y0 + k, x0, x1))
        return runs


def _span(low: float, high: float, limit: int) -> tuple[int, int]:
    """The half-open range of pixels whose centres lie in (low, high], cut to [0, limit)."""
    first = 0 if low <= 0.0 else int(low + 0.5) if low < limit else limit
    return first, (limit if high >= limit else int(high + 0.5) if high > 0.0 else 0)
