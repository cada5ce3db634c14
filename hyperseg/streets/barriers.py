"""Fences and hedges."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from hyperseg.streets import noise
from hyperseg.streets.classes import Kind
from hyperseg.streets.randomness import Stream
from hyperseg.streets.view import RGB, View
from hyperseg.streets.wall import SHADES, Texture, draw_wall, shaded


@dataclass(frozen=True)
class Barrier:
    """A fence or hedge between two ground points (x, z), metres: panel, railing, mesh, rail or hedge."""

    start: tuple[float, float]
    end: tuple[float, float]
    kind: str
    height: float
    colour: RGB
    key: int

    @property
    def depth(self) -> float:
        return 0.5 * (self.start[1] + self.end[1])

    def draw(self, view: View) -> None:
        """Paint it as a wall whose texture has gaps where one sees through."""
        dx, dz = self.end[0] - self.start[0], self.end[1] - self.start[1]
        length = sqrt(dx * dx + dz * dz)
        nearest = max(min(self.start[1], self.end[1]), 1.5)
        density = min(40.0, max(4.0, view.camera.focal / nearest))
        across = 1.0 if self.start[0] < 0 else -1.0
        facing = view.light.facing(across, 0.1, 0.0) if abs(dz) > abs(dx) else view.light.facing(0.0, 0.1, -0.99)
        draw_wall(
            view,
            self.start,
            self.end,
            self.height,
            lambda: barrier_texture(self.kind, length, self.height, density, self.colour, Stream(self.key)),
            facing,
        )


def barrier_texture(kind: str, length: float, height: float, density: float, colour: RGB, stream: Stream) -> Texture:
    """The texture of a fence or hedge, metres, ``density`` texels per metre."""
    rows, columns = max(3, int(height * density)), max(3, int(length * density))
    y = ((np.arange(rows) + 0.5) / rows * height)[:, None]
    x = ((np.arange(columns) + 0.5) / density)[None, :]
    i = (np.arange(rows) + stream.integer(0, noise.SIZE)) & (noise.SIZE - 1)
    j = (np.arange(columns) + stream.integer(0, noise.SIZE)) & (noise.SIZE - 1)
    dark = (colour[0] * 0.6, colour[1] * 0.6, colour[2] * 0.6)
    label = Kind.FENCE
    solid = np.ones((rows, columns), dtype=bool)
    material = np.ones((rows, columns), dtype=np.uint8)
    source = noise.grain()
    if kind == "hedge":
        label, source = Kind.TREE, noise.leaves()
        top = source[0].take((np.arange(columns) * 3 + stream.integer(0, noise.SIZE)) & (noise.SIZE - 1))
        solid = y > 0.1 * height * (top / 255.0)[None, :]
    elif kind == "panel":
        board_at = x / 0.16
        gap = board_at - np.floor(board_at) < 0.16
        material = np.where(gap | ((y > 0.45 * height) & (y < 0.45 * height + 0.06)), 2, 1).astype(np.uint8)
        post = x / 1.8
        material[:, (post - np.floor(post) < 0.07)[0]] = 2
    elif kind == "rail":
        post = x / 2.0
        solid = ((y > 0.12) & (y < 0.42)) | (post - np.floor(post) < 0.07)
        material = np.where((y > 0.22) & (y < 0.3), 2, 1).astype(np.uint8) * np.ones_like(material)
    else:
        pitch, bar = (0.13, 0.036) if kind == "railing" else (0.09, 0.03)
        frame = (y < 0.07) | ((y > height - 0.16) & (y < height - 0.09))
        # Where bars are finer than the texture, the lattice closes: every other texel column stays open.
        pitch = max(pitch, 2.0 / density)
        bar = max(bar, 1.0 / density)
        column = x / pitch
        solid = frame | (column - np.floor(column) < bar / pitch)
        post = x / 2.0
        solid |= post - np.floor(post) < 0.035
        if kind == "mesh":
            line = y / pitch
            solid |= line - np.floor(line) < bar / pitch
    texels = material * np.uint8(SHADES) + (source.take(i, axis=0).take(j, axis=1) >> 5)
    contrast = 0.55 if kind == "hedge" else 0.16
    texels = np.where(solid, texels, 0).astype(np.uint8)
    return Texture(texels, shaded([(0.0, 0.0, 0.0), colour, dark], contrast), int(label), clear=True)
