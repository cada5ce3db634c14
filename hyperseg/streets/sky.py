"""The sky and what stands at its foot, far away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperseg.streets import noise
from hyperseg.streets.classes import Kind
from hyperseg.streets.randomness import random_bytes
from hyperseg.streets.view import RGB, View, pack

# Levels of cloudiness in the look-up table.
_LEVELS = 32


@dataclass(frozen=True)
class Sky:
    """A gradient from ``low`` (horizon) to ``high``, with clouds of colour ``cloud`` where the noise exceeds ``clear``.

    ``clear`` 0 is overcast, 1 cloudless; ``soft`` is the width of a cloud's edge, both as shares of the noise's range.
    """

    high: RGB
    low: RGB
    cloud: RGB
    clear: float
    soft: float
    offset: tuple[int, int]

    def draw(self, view: View) -> None:
        """Paint every row down to the horizon."""
        camera, canvas = view.camera, view.canvas
        bottom = min(canvas.height, int(camera.horizon) + 2)
        if bottom <= 0:
            return
        # Elevation above the horizon as a share of the focal length; clouds lie on a plane, so they crowd low down.
        rows = np.arange(bottom)
        elevation = np.maximum(camera.horizon - rows - 0.5, 0.0) / camera.focal
        share = np.minimum(elevation * 1.6, 1.0)[:, None]
        share = share * (2.0 - share)
        base = np.array(self.low) * (1.0 - share) + np.array(self.high) * share
        level = np.arange(_LEVELS) / (_LEVELS - 1)
        cover = np.minimum(np.maximum((level - self.clear) / self.soft, 0.0), 1.0)
        cover = cover[None, :, None] * np.minimum(0.25 + elevation * 5.0, 1.0)[:, None, None]
        # Thick cloud is darker than its edge.
        thick = 1.0 - 0.16 * np.maximum(level - self.clear - self.soft, 0.0) / 0.6
        cloud = np.array(self.cloud) * thick[:, None]
        table = pack(base[:, None, :] * (1.0 - cover) + cloud[None] * cover, int(Kind.SKY))
        distance = 1.0 / (elevation + 0.16)
        v = (distance * 70.0).astype(np.int64) + self.offset[0]
        across = (np.arange(canvas.width) + 0.5 - camera.centre) / camera.focal
        u = ((across * 330.0)[None, :] * (0.35 + 0.1 * distance)[:, None]).astype(np.int32) + self.offset[1]
        level_at = (noise.clouds() // (256 // _LEVELS)).take(((v & 511) * 512)[:, None] + (u & 511))
        canvas.words[:bottom] = table.take((rows * _LEVELS)[:, None] + level_at)


@dataclass(frozen=True)
class Skyline:
    """Far houses and trees along the whole horizon, at ``depth`` metres; heights in metres."""

    depth: float
    key: int
    houses: float
    trees: float
    wall: RGB
    leaf: RGB

    def draw(self, view: View) -> None:
        """Paint blocks of houses with the crowns of trees between them, down to the ground at ``depth``."""
        camera, canvas = view.camera, view.canvas
        columns = np.arange(canvas.width)
        metres = (columns + 0.5 - camera.centre) * self.depth / camera.focal + 512.0
        draws = random_bytes(self.key, 512).astype(np.float64) / 255.0
        houses = (0.45 + 0.55 * draws[(metres / 9.0).astype(np.int64) & 255]) * self.houses
        leaves = noise.leaves()[self.key & 511]
        rough = leaves[(metres * 6.0).astype(np.int64) & 511].astype(np.float64) / 255.0
        grove = draws[256 + ((metres / 14.0).astype(np.int64) & 255)]
        trees = np.where(grove > 0.35, (0.55 + 0.3 * grove + 0.25 * rough) * self.trees, 0.0)
        scale = camera.focal / self.depth
        ground = camera.horizon + camera.eye * scale
        top_houses = ground - houses * scale
        top_trees = ground - trees * scale
        y0 = max(0, int(min(top_houses.min(), top_trees.min())))
        y1 = min(canvas.height, int(ground) + 2)
        if y0 >= y1:
            return
        rows = (np.arange(y0, y1) + 0.5)[:, None]
        area = canvas.words[y0:y1]
        light = view.light
        for top, colour, label in ((top_houses, self.wall, Kind.BUILDING), (top_trees, self.leaf, Kind.TREE)):
            shades = [light.word(colour, label, self.depth, gain) for gain in (0.82, 0.9, 0.97, 1.05)]
            shade = (draws[(metres / (9.0 if label == Kind.BUILDING else 1.5)).astype(np.int64) & 255] * 3.99).astype(
                np.int64
            )
            np.copyto(area, np.array(shades, dtype=np.uint32)[shade][None, :], where=rows >= top[None, :])
