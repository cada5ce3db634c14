"""Upright textured surfaces in perspective: façades, gables, fences, hedges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hyperseg.streets.view import NEAR, RGB, View

#: Shades of each material in a texture: a texel holds material * SHADES + shade; texel 0 is clear.
SHADES = 8
# Steps of depth in which the haze along a wall is laid on.
_STEPS = 12


@dataclass(frozen=True)
class Texture:
    """``texels`` uint8 (rows, columns), top row first; ``colours`` float (materials * SHADES, 3); one class."""

    texels: NDArray[np.uint8]
    colours: NDArray[np.float64]
    label: int
    clear: bool = False


def shaded(colours: list[RGB], contrast: float) -> NDArray[np.float64]:
    """The colour table of a texture: each material in SHADES steps, from dark to bright by ``contrast`` either way."""
    steps = 1.0 + contrast * (np.arange(SHADES) - 3.5) / 3.5
    table: NDArray[np.float64] = (np.array(colours)[:, None, :] * steps[:, None]).reshape(-1, 3)
    return table


def draw_wall(
    view: View,
    start: tuple[float, float],
    end: tuple[float, float],
    top: float,
    make_texture: Callable[[], Texture],
    brightness: float,
) -> None:
    """Paint an upright wall ``top`` metres high between two ground points (x, z).

    Column 0 of the texture is at ``start``. ``make_texture`` is called only where the wall is in the picture.
    """
    camera, canvas = view.camera, view.canvas
    span = (0.0, 1.0)
    if min(start[1], end[1]) < NEAR:
        if max(start[1], end[1]) <= NEAR:
            return
        cut = (NEAR - start[1]) / (end[1] - start[1])
        point = (start[0] + (end[0] - start[0]) * cut, NEAR)
        if start[1] < NEAR:
            start, span = point, (cut, 1.0)
        else:
            end, span = point, (0.0, cut)
    xa, xb = camera.column(*start), camera.column(*end)
    if xa > xb:
        start, end, span, xa, xb = end, start, (span[1], span[0]), xb, xa
    if xb <= 0.5 or xa >= canvas.width - 0.5:
        return
    c0, c1 = int(max(xa, 0.0) + 0.5), int(min(xb, float(canvas.width)) + 0.5)
    if c0 >= c1:
        return
    # Along a screen line 1/z is linear, and so is (position along the wall)/z.
    s = (np.arange(c0, c1) + (0.5 - xa)) / (xb - xa)
    near, far = 1.0 / start[1], 1.0 / end[1]
    inverse = near + (far - near) * s
    along = span[0] + (span[1] - span[0]) * (s * far / inverse)
    upper = camera.horizon + camera.focal * (camera.eye - top) * inverse
    lower = camera.horizon + camera.focal * camera.eye * inverse
    r0 = int(max(min(upper[0], upper[-1]), 0.0))
    r1 = int(min(max(lower[0], lower[-1]) + 1.0, float(canvas.height)))
    if r0 >= r1:
        return
    texture = make_texture()
    height, width = texture.texels.shape
    column = np.minimum(np.maximum(along * width, 0.0), width - 1.0).astype(np.int32)
    scale = height / (lower - upper)
    rows = (np.arange(r0, r1) + 0.5)[:, None].astype(np.float32)
    texel_row = rows * scale.astype(np.float32) - (upper * scale).astype(np.float32)
    inside = (texel_row >= 0) & (texel_row < height)
    texel_index = texel_row.astype(np.int32)
    texel_index *= np.int32(width)
    texel_index += column
    texel = texture.texels.ravel().take(texel_index, mode="clip")
    if texture.clear:
        inside &= texel != 0
    count = len(s)
    steps = min(_STEPS, count)
    depths = [float(1.0 / inverse[(2 * k + 1) * count // (2 * steps)]) for k in range(steps)]
    tables = view.light.words(texture.colours * brightness, texture.label, depths)
    offset = (np.arange(count) * steps // count * tables.shape[1]).astype(np.int32)
    np.copyto(canvas.words[r0:r1, c0:c1], tables.ravel().take(texel + offset), where=inside)
