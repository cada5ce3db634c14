"""The ground plane: road with its markings, kerbs, pavements and what lies beyond them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from hyperseg.streets import noise
from hyperseg.streets.classes import Kind
from hyperseg.streets.view import RGB, View, pack

#: Lateral range of the profile tables in metres (either side of the road's middle), and their cells per metre.
REACH = 51.2
CELLS = 40
_CELL_COUNT = int(2 * REACH * CELLS)
_SHADES = 8
_DEPTH_STEPS = 48


class Ground(IntEnum):
    """Materials of the ground."""

    ASPHALT = 0
    WORN = 1
    PAINT = 2
    YELLOW = 3
    KERB = 4
    SLAB = 5
    JOINT = 6
    GRASS = 7
    GUTTER = 8
    LANE = 9
    EARTH = 10
    PAVING = 11


_LABELS = {
    Ground.KERB: Kind.PAVEMENT,
    Ground.SLAB: Kind.PAVEMENT,
    Ground.JOINT: Kind.PAVEMENT,
    Ground.PAVING: Kind.PAVEMENT,
    Ground.EARTH: Kind.PAVEMENT,
    Ground.GRASS: Kind.TREE,
}
# How strongly the grain shows, as a share of the material's brightness.
_CONTRAST = {Ground.GRASS: 0.30, Ground.EARTH: 0.22, Ground.PAINT: 0.10, Ground.YELLOW: 0.10, Ground.SLAB: 0.12}


@dataclass(frozen=True)
class Band:
    """A strip of ground across the street between two depths (metres) that replaces the street's own profile.

    ``profile`` is uint8 (cells,): the material at each lateral cell.
    """

    start: float
    end: float
    profile: NDArray[np.uint8]


@dataclass(frozen=True)
class GroundPlane:
    """The street's surface. Lateral positions are metres right of the road's middle line.

    ``plain``, ``dashed`` and ``joint`` are profiles uint8 (cells,): the street between dashes, where the dashes are
    painted, and where the joints between slabs run across. ``shade`` is the lateral interval in the buildings' shadow.
    The middle line runs at x = offset + slope z + bend z^2 / 2.
    """

    offset: float
    slope: float
    bend: float
    plain: NDArray[np.uint8]
    dashed: NDArray[np.uint8]
    joint: NDArray[np.uint8]
    dash: tuple[float, float, float]
    joint_pitch: float
    colours: dict[Ground, RGB]
    shade: tuple[float, float] | None
    texture: tuple[int, int]
    bands: tuple[Band, ...] = field(default=())

    def middle(self, z: float) -> float:
        """The x of the road's middle line at depth z, in metres."""
        return self.offset + self.slope * z + 0.5 * self.bend * z * z

    def draw(self, view: View) -> None:
        """Paint every row below the horizon."""
        camera, canvas = view.camera, view.canvas
        top = max(0, int(camera.horizon + camera.focal * camera.eye / 400.0) + 1)
        if top >= canvas.height:
            return
        rows = np.arange(top, canvas.height)
        z = camera.focal * camera.eye / (rows + 0.5 - camera.horizon)
        lateral_step = z / camera.focal
        middle = self.offset + self.slope * z + 0.5 * self.bend * z * z
        # Cell of the leftmost pixel and cells per pixel, row by row.
        first = ((0.5 - camera.centre) * lateral_step - middle + REACH) * CELLS
        columns = np.arange(canvas.width, dtype=np.float32)
        cell = (lateral_step * CELLS).astype(np.float32)[:, None] * columns + first.astype(np.float32)[:, None]
        cells = np.minimum(np.maximum(cell, np.float32(0)), np.float32(_CELL_COUNT - 1)).astype(np.int32)
        profiles, profile_of_row = self._profiles(z)
        grain_rows = ((z * 18.0).astype(np.int64) + self.texture[0]) & (noise.SIZE - 1)
        shade = (noise.grain() // (256 // _SHADES)).take(
            (grain_rows * noise.SIZE)[:, None] + ((cells + self.texture[1]) & (noise.SIZE - 1))
        )
        material = profiles.take((profile_of_row * _CELL_COUNT)[:, None] + cells)
        table, table_of_row = self._words(view, z)
        # A material's byte holds material * 16 + in-shadow * 8, to which the shade is added.
        index = (table_of_row * 256)[:, None].astype(np.int32) + material
        index += shade
        canvas.words[top:] = table.take(index)

    def _profiles(self, z: NDArray[np.floating]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """All profiles, (profiles, cells), and which of them each depth uses."""
        period, length, phase = self.dash
        along = (z + phase) / period
        dashed = along - np.floor(along) < length / period
        joints = z / self.joint_pitch
        # A joint is 3 cm wide; far away, where a row of pixels is deeper than that, there is none.
        joint = (joints - np.floor(joints) < 0.03 / self.joint_pitch) & (z < 12.0)
        which = np.where(joint, 2, np.where(dashed, 1, 0))
        profiles = [self.plain, self.dashed, self.joint]
        for band in self.bands:
            which = np.where((z >= band.start) & (z < band.end), len(profiles), which)
            profiles.append(band.profile)
        stack = np.stack(profiles) * np.uint8(16)
        if self.shade is not None:
            low, high = (cell_of(value) for value in self.shade)
            stack[:, low:high] += np.uint8(8)
        return stack, which.astype(np.int64)

    def _words(self, view: View, z: NDArray[np.floating]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """Words for (depth step, material, in shadow, shade), and each row's depth step."""
        light = view.light
        sunlit = light.facing(0.0, 1.0, 0.0)
        shadowed = 1.0 - 0.45 * light.strength if light.strength > 0.15 else sunlit
        colours = np.zeros((16, 3))
        labels = np.full(16, int(Kind.ROAD), dtype=np.uint32)
        contrast = np.full(16, 0.13)
        for material, colour in self.colours.items():
            colours[material] = colour
            labels[material] = int(_LABELS.get(material, Kind.ROAD))
            contrast[material] = _CONTRAST.get(material, 0.13)
        # Steps even in the camera's rows, so coarse where the ground is near and fine where it is far.
        step = np.arange(len(z)) * _DEPTH_STEPS // len(z)
        depth = z[np.arange(_DEPTH_STEPS) * len(z) // _DEPTH_STEPS]
        q = depth / light.reach
        own = (1.0 / (1.0 + q + 0.5 * q * q))[:, None, None, None, None]
        grain = (np.arange(_SHADES) - 3.5) / 3.5
        fade = 1.0 / (1.0 + depth / 18.0)
        amount = 1.0 + fade[:, None, None] * contrast[None, :, None] * grain
        values = colours[None, :, None, None, :] * amount[:, :, None, :, None]
        values = values * np.array([sunlit, shadowed])[:, None, None] * np.array(light.gain)
        # A wet street mirrors the sky, more so at a flat angle.
        mirror = (light.wet * (0.08 + 0.5 * depth / (depth + 25.0)))[:, None, None, None, None]
        values = values * (1.0 - mirror) + np.array(light.haze) * 0.85 * mirror
        values = values * own + np.array(light.haze) * (1.0 - own)
        return pack(values, labels[None, :, None, None]).ravel(), step


def cell_of(lateral: float) -> int:
    """The profile cell at a lateral position in metres, cut to the table."""
    return max(0, min(_CELL_COUNT, int((lateral + REACH) * CELLS + 0.5)))


def blank_profile(material: Ground) -> NDArray[np.uint8]:
    """A profile of one material: uint8 (cells,)."""
    return np.full(_CELL_COUNT, int(material), dtype=np.uint8)


def strip(profile: NDArray[np.uint8], low: float, high: float, material: Ground) -> None:
    """Lay a material between two lateral positions (metres), in place."""
    profile[cell_of(low) : cell_of(high)] = int(material)
