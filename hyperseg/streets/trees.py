"""Trees, bushes and hedges. Crowns are sprites, made once, that are stretched, turned over and coloured per tree."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from hyperseg.streets import noise
from hyperseg.streets.canvas import Canvas
from hyperseg.streets.classes import Kind
from hyperseg.streets.randomness import Stream, derive_key
from hyperseg.streets.shapes import Sprite
from hyperseg.streets.view import RGB, View

_SIDE = 256
#: Shades of a crown, 1 (deep inside) to SHADES - 1 (sunlit edge); 0 is clear.
SHADES = 16

# Cosine and sine of small turns (rational points of the circle: ((1 - t^2) / (1 + t^2), 2t / (1 + t^2))).
_TURNS = tuple(((1.0 - t * t) / (1.0 + t * t), 2.0 * t / (1.0 + t * t)) for t in (0.12, 0.17, 0.22, 0.28, 0.34))


@dataclass(frozen=True)
class Tree:
    """A tree at (x, z): ``height`` to the top, crown ``width``, clear trunk below ``stem``, metres.

    ``kind`` is crown (leaves), cone (conifer), bare (winter) or bush; ``colour`` that of the brightest leaves.
    """

    x: float
    z: float
    kind: str
    height: float
    width: float
    stem: float
    colour: RGB
    bark: RGB
    sprite: int
    flip: bool

    @property
    def depth(self) -> float:
        return self.z

    def draw(self, view: View) -> None:
        """Paint trunk, then crown."""
        camera, canvas, light = view.camera, view.canvas, view.light
        left, top = camera.point(self.x - 0.5 * self.width, self.height, self.z)
        right, foot = camera.point(self.x + 0.5 * self.width, 0.0, self.z)
        if right < 0 or left > canvas.width:
            return
        lit = light.facing(0.0, 0.3, -0.95)
        middle, scale = 0.5 * (left + right), camera.focal / self.z
        if self.kind == "bare":
            words = light.words(_ramp(self.bark, 0.75, 1.15) * lit, Kind.TREE, [self.z])[0]
            canvas.blit(bare_trees()[self.sprite % 6], (left, top, right, foot), words, self.flip)
            return
        if self.kind != "bush":
            half = max(0.026 * self.width + 0.05, 0.07) * scale
            crown_foot = camera.row(self.stem, self.z)
            reach = crown_foot - 0.4 * (crown_foot - top)
            for share, gain in ((1.0, 0.75), (0.35, 1.0)):
                # The lit side of the trunk is the left or the right third, as the sun stands.
                shift = half * (1.0 - share) * (1.0 if light.sun[0] > 0 else -1.0)
                a, b = middle + shift - half * share, middle + shift + half * share
                canvas.fill_polygon(
                    [(a + 0.3 * half, reach), (b - 0.3 * half, reach), (b, foot), (a, foot)],
                    light.word(self.bark, Kind.TREE, self.z, lit * gain),
                )
            if self.kind == "crown":
                for lean in (-0.22, 0.2):
                    x = middle + lean * (right - left)
                    y = crown_foot - 0.3 * (crown_foot - top)
                    canvas.fill_polygon(
                        [
                            (x, y),
                            (x + 0.6 * half, y),
                            (middle + 0.5 * half, crown_foot),
                            (middle - 0.5 * half, crown_foot),
                        ],
                        light.word(self.bark, Kind.TREE, self.z, lit * 0.8),
                    )
        bottom = foot if self.kind == "bush" else camera.row(self.stem, self.z)
        sprites = cones() if self.kind == "cone" else crowns()
        flip = self.flip
        words = light.words(_ramp(self.colour, 0.3, 1.05) * lit, Kind.TREE, [self.z])[0]
        canvas.blit(sprites[self.sprite % len(sprites)], (left, top, right, bottom), words, flip)


def _ramp(colour: RGB, dark: float, bright: float) -> NDArray[np.float64]:
    """Colours of the shades, float (SHADES, 3), from dark to bright."""
    steps = dark + (bright - dark) * np.arange(SHADES) / (SHADES - 1)
    return steps[:, None] * np.array(colour)[None, :]


@lru_cache(maxsize=1)
def crowns() -> tuple[Sprite, ...]:
    """Ten crowns of leaves, uint8 (256, 256)."""
    return tuple(_crown(Stream(derive_key("streets crown", k)), airy=k % 5 == 4) for k in range(10))


@lru_cache(maxsize=1)
def cones() -> tuple[Sprite, ...]:
    """Three conifers, uint8 (256, 256)."""
    return tuple(_cone(Stream(derive_key("streets cone", k))) for k in range(3))


@lru_cache(maxsize=1)
def bare_trees() -> tuple[Sprite, ...]:
    """Six leafless trees with their trunks, uint8 (512, 384)."""
    return tuple(_bare(Stream(derive_key("streets bare tree", k))) for k in range(6))


def _crown(stream: Stream, airy: bool) -> Sprite:
    """Overlapping lobes with a ragged edge, lit from above; airy crowns have holes."""
    axis = (np.arange(_SIDE) + 0.5) / (_SIDE / 2) - 1.0
    x, y = axis[None, :], axis[:, None]
    field = np.full((_SIDE, _SIDE), -1.0)
    lit = np.zeros((_SIDE, _SIDE))
    for k in range(16):
        if k == 0:
            cx, cy, radius = 0.0, 0.08, 0.66
        else:
            radius = stream.uniform(0.2, 0.38)
            # A point near the rim of an egg that is wider below its middle.
            px, py = stream.uniform(-1.0, 1.0), stream.uniform(-1.0, 1.0)
            norm = 1.0 / max(0.35, sqrt(px * px + py * py))
            cx, cy = px * norm * (0.95 - radius), py * norm * (0.95 - radius)
        d2 = ((x - cx) * (x - cx) + (y - cy) * (y - cy)) / (radius * radius)
        lobe = 1.0 - d2
        on_top = lobe > field
        field = np.where(on_top, lobe, field)
        lit = np.where(on_top, 0.5 - 0.42 * (y - cy) / radius - 0.18 * (x - cx) / radius, lit)
    rough = _leaf_noise(stream)
    mask = field + 0.75 * (rough - 0.55) > (0.22 if airy else 0.0)
    if airy:
        mask &= (rough < 0.8) | (field > 0.75)
    shade = 0.34 * lit + 0.5 * rough + 0.14 - 0.16 * y
    return _quantized(shade, mask)


def _cone(stream: Stream) -> Sprite:
    """Tiers of branches that narrow to a tip."""
    axis = (np.arange(_SIDE) + 0.5) / _SIDE
    x, y = np.abs(axis * 2.0 - 1.0)[None, :], axis[:, None]
    tier = y * 7.0 - np.floor(y * 7.0)
    rough = _leaf_noise(stream)
    half = 0.04 + 0.86 * y * (0.72 + 0.28 * tier)
    mask = x + 0.22 * (rough - 0.5) < half
    return _quantized(0.55 * rough + 0.25 * (1.0 - tier) + 0.15, mask)


def _leaf_noise(stream: Stream) -> NDArray[np.float64]:
    """A random cut of the leaf noise, float (256, 256) in 0..1."""
    i, j = stream.integer(0, noise.SIZE), stream.integer(0, noise.SIZE)
    row = (np.arange(_SIDE) + i) & (noise.SIZE - 1)
    column = (np.arange(_SIDE) + j) & (noise.SIZE - 1)
    return noise.leaves()[row][:, column] / 255.0


def _quantized(shade: NDArray[np.float64], mask: NDArray[np.bool_]) -> Sprite:
    """Shades 0..1 as sprite values 1..SHADES - 1, clear outside the mask."""
    values = 1 + (np.minimum(np.maximum(shade, 0.0), 0.999) * (SHADES - 1)).astype(np.uint8)
    sprite = np.where(mask, values, 0).astype(np.uint8)
    sprite.flags.writeable = False
    return sprite


def _bare(stream: Stream) -> Sprite:
    """A trunk that forks and forks again."""
    rows, columns = 512, 384
    canvas = Canvas(rows, columns)
    stack = [(columns / 2.0, float(rows), 0.0, -1.0, 100.0, 13.0, 0)]
    while stack:
        x, y, dx, dy, length, half, level = stack.pop()
        ex, ey = x + dx * length, y + dy * length
        thin = half * 0.68
        shade = min(SHADES - 1, 4 + level * 2 + stream.integer(0, 3))
        nx, ny = -dy, dx
        canvas.fill_polygon(
            [(x + nx * half, y + ny * half), (x - nx * half, y - ny * half),
             (ex - nx * thin, ey - ny * thin), (ex + nx * thin, ey + ny * thin)],
            shade,
        )  # fmt: skip
        if level == 6:
            continue
        for turn in (-1, 1) if level % 2 == 0 else (-1, 0, 1):
            if turn == 0 and not stream.chance(0.6):
                continue
            c, s = stream.choice(_TURNS)
            s *= turn if turn else stream.uniform(-0.4, 0.4)
            c = c if turn else 1.0
            bx, by = dx * c - dy * s, dx * s + dy * c
            stack.append((ex, ey, bx, by, length * stream.uniform(0.68, 0.86), max(1.5, thin * 0.8), level + 1))
    sprite = canvas.words.astype(np.uint8)
    sprite.flags.writeable = False
    return sprite
