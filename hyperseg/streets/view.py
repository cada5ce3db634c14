"""The camera, the light, and the two joined with a canvas: what every object needs to draw itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hyperseg.streets.canvas import Canvas

RGB = tuple[float, float, float]

#: Nearest depth, in metres, at which anything is drawn.
NEAR = 0.6


@dataclass(frozen=True)
class Camera:
    """A pinhole camera at (0, eye, 0) that looks along +z; x points right, y up, metres; pixels on the image.

    Pitch shows as the horizon's row, yaw as the centre's column (both small, as on a car). ``width`` is the image's.
    """

    focal: float
    centre: float
    horizon: float
    eye: float
    width: int

    def column(self, x: float, z: float) -> float:
        """The column in pixels of a point at x, z."""
        return self.centre + self.focal * x / z

    def row(self, y: float, z: float) -> float:
        """The row in pixels of a point at height y and depth z."""
        return self.horizon + self.focal * (self.eye - y) / z

    def point(self, x: float, y: float, z: float) -> tuple[float, float]:
        """(column, row) of a point."""
        scale = self.focal / z
        return self.centre + x * scale, self.horizon + (self.eye - y) * scale


@dataclass(frozen=True)
class Light:
    """Weather and time of day. Colours are 0..255 floats.

    ``gain`` is exposure and tint, ``haze`` the colour that distance tends to, ``reach`` the depth in metres at which
    60 % of that has come about, ``sun`` the direction towards the sun (unit length) and ``strength`` its share,
    ``dark`` turns on lamps and windows, ``wet`` (0..1) makes the ground a mirror of the sky.
    """

    weather: str
    gain: RGB
    haze: RGB
    reach: float
    sun: tuple[float, float, float]
    strength: float
    dark: bool
    wet: float

    def clearness(self, z: float) -> float:
        """The share of an object's own colour that is left at depth z (a rational stand-in for exp(-z / reach))."""
        q = z / self.reach
        return 1.0 / (1.0 + q + 0.5 * q * q)

    def facing(self, x: float, y: float, z: float) -> float:
        """Brightness of a surface with the unit normal (x, y, z): sky light, more of it from above, and sun."""
        sx, sy, sz = self.sun
        sun = max(0.0, x * sx + y * sy + z * sz)
        return (1.0 - 0.45 * self.strength) * (0.88 + 0.12 * y) + 0.75 * self.strength * sun

    def word(self, colour: RGB, label: int, z: float, brightness: float = 1.0) -> int:
        """A canvas word: the colour lit, tinted and hazed at depth z, with its class."""
        own = self.clearness(z)
        word = int(label) << 24
        for k in range(3):
            value = colour[k] * brightness * self.gain[k]
            value = value * own + self.haze[k] * (1.0 - own)
            word |= (255 if value > 255.0 else int(value)) << (8 * k)
        return word

    def glow(self, colour: RGB, label: int, z: float) -> int:
        """A canvas word for something that shines by itself: hazed, but not lit or tinted."""
        own = self.clearness(z)
        word = int(label) << 24
        for k in range(3):
            word |= int(min(255.0, colour[k] * own + self.haze[k] * (1.0 - own))) << (8 * k)
        return word

    def words(self, colours: NDArray[np.float64], label: int, depths: Sequence[float]) -> NDArray[np.uint32]:
        """Words for colours (n, 3) at several depths: uint32 (depths, n)."""
        own = np.array([self.clearness(depth) for depth in depths])[:, None, None]
        values = colours * np.array(self.gain) * own + np.array(self.haze) * (1.0 - own)
        return pack(values, label)


def pack(values: NDArray[np.floating], label: NDArray[np.uint32] | int) -> NDArray[np.uint32]:
    """Canvas words from colours (..., 3) in 0..255 and classes (...): values are cut to range and floored."""
    rgb = np.minimum(np.maximum(values, 0.0), 255.0).astype(np.uint32)
    words: NDArray[np.uint32] = rgb[..., 0] | (rgb[..., 1] << np.uint32(8)) | (rgb[..., 2] << np.uint32(16))
    words |= np.asarray(label, dtype=np.uint32) << np.uint32(24)
    return words


@dataclass(frozen=True)
class View:
    """What an object draws with."""

    canvas: Canvas
    camera: Camera
    light: Light


class Item(Protocol):
    """An object of the scene. Items are drawn from the largest ``depth`` (metres) to the smallest."""

    @property
    def depth(self) -> float: ...

    def draw(self, view: View) -> None:
        """Paint the object on the canvas."""
