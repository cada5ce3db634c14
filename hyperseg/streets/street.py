"""The plan of a street: widths, lanes, course, junction, and the ground profile that follows from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hyperseg.streets.ground import REACH, Band, Ground, GroundPlane, blank_profile, strip
from hyperseg.streets.randomness import Stream
from hyperseg.streets.view import RGB, Light

#: Depth in metres at which the skyline closes off a street that runs on.
HORIZON = 120.0


@dataclass(frozen=True)
class Side:
    """One side of the street, metres: ``kind`` of lots, grass verge, pavement, and the houses' setback from it."""

    kind: str
    verge: float
    pavement: float
    setback: float


@dataclass(frozen=True)
class Street:
    """Measures in metres; lateral positions run right from the road's middle line.

    ``drive_left`` is the rule of the road, ``camera`` the camera's lateral position, ``junction`` the depths between
    which a side street crosses (None: none) and ``mouths`` the sides it opens to, ``zebra`` the depth of a crossing,
    ``end`` the depth where the street ends, on a row of houses across it if ``closed``; ``signal`` is what the traffic
    lights show (0 red, 1 amber, 2 green).
    """

    half: float
    lanes: int
    drive_left: bool
    camera: float
    slope: float
    bend: float
    sides: dict[int, Side]
    junction: tuple[float, float] | None
    mouths: tuple[int, ...]
    zebra: float | None
    end: float
    closed: bool
    signal: int

    def x(self, lateral: float, z: float) -> float:
        """World x of a lateral position at depth z."""
        return lateral - self.camera + self.slope * z + 0.5 * self.bend * z * z

    def kerb(self, side: int) -> float:
        """Lateral position of the outer edge of the kerb."""
        return side * (self.half + 0.18)

    def front(self, side: int) -> float:
        """Lateral position where the pavement ends and the lots begin."""
        return side * (self.half + 0.18 + self.sides[side].verge + self.sides[side].pavement)

    def in_mouth(self, side: int, z: float, margin: float) -> bool:
        """Whether the side street opens within `margin` metres of this depth."""
        return (
            self.junction is not None
            and side in self.mouths
            and self.junction[0] - margin < z < self.junction[1] + margin
        )


_KINDS = ("terrace", "terrace", "shops", "shops", "suburb", "suburb", "park", "park", "modern")


def draw_street(stream: Stream) -> Street:
    """A street plan."""
    lanes = 4 if stream.chance(0.18) else 2
    half = stream.uniform(3.0, 4.6) if lanes == 2 else stream.uniform(6.2, 7.4)
    drive_left = stream.chance(0.6)
    own = -1.0 if drive_left else 1.0
    lane = stream.uniform(0.42, 0.56) if lanes == 2 else stream.choice((0.25, 0.72))
    sides = {}
    for side in (-1, 1):
        kind = stream.choice(_KINDS)
        setback = {"terrace": stream.uniform(0.0, 2.5), "shops": 0.0, "modern": stream.uniform(0.0, 4.0)}.get(
            kind, stream.uniform(3.5, 7.0)
        )
        verge = stream.uniform(0.8, 2.4) if stream.chance(0.4 if kind in ("suburb", "park") else 0.1) else 0.0
        pavement = stream.uniform(2.2, 4.8) if kind in ("shops", "modern") else stream.uniform(1.5, 3.2)
        sides[side] = Side(kind, verge, pavement, setback)
    junction: tuple[float, float] | None = None
    mouths: tuple[int, ...] = ()
    if stream.chance(0.45):
        start = stream.uniform(9.0, 45.0)
        junction = (start, start + stream.uniform(6.0, 9.0))
        mouths = stream.choice(((-1,), (1,), (-1, 1)))
    closed = stream.chance(0.25)
    end = stream.uniform(38.0, 80.0) if closed else HORIZON
    if junction is not None and junction[1] > end - 16.0:
        junction, mouths = None, ()
    zebra = None
    if stream.chance(0.35):
        zebra = stream.uniform(6.0, 30.0) if junction is None else junction[0] - stream.uniform(3.6, 4.5)
    bend = stream.uniform(-0.006, 0.006) if stream.chance(0.55) else stream.uniform(-0.0008, 0.0008)
    return Street(
        half=half,
        lanes=lanes,
        drive_left=drive_left,
        camera=own * half * lane + stream.uniform(-0.3, 0.3),
        slope=stream.uniform(-0.04, 0.04),
        bend=bend,
        sides=sides,
        junction=junction,
        mouths=mouths,
        zebra=zebra,
        end=end,
        closed=closed,
        signal=stream.integer(0, 3),
    )


def lay_ground(street: Street, stream: Stream, light: Light, eaves: dict[int, float]) -> GroundPlane:
    """The ground of a street; ``eaves`` is the height in metres of the buildings on each side, which throw shadows."""
    plain = blank_profile(Ground.GRASS)
    half = street.half
    strip(plain, -half, half, Ground.ASPHALT)
    if stream.chance(0.5):
        # Wheel tracks.
        for lane in (-0.5, 0.5):
            for track in (-0.75, 0.75):
                middle = lane * half + track
                strip(plain, middle - 0.25, middle + 0.25, Ground.WORN)
    for side in (-1, 1):
        _lay_side(plain, street, side)
    _mark_kerbs(plain, half, stream)
    dashed = plain.copy()
    _line(dashed, 0.0, 0.15, Ground.PAINT)
    if street.lanes == 4:
        for lane in (-0.5, 0.5):
            _line(dashed, lane * half, 0.15, Ground.PAINT)
        for offset in (-0.12, 0.12) if stream.chance(0.5) else ():
            _line(plain, offset, 0.12, Ground.PAINT)
    joint = plain.copy()
    joint[joint == int(Ground.PAVING)] = int(Ground.JOINT)
    return GroundPlane(
        offset=-street.camera,
        slope=street.slope,
        bend=street.bend,
        plain=plain,
        dashed=dashed,
        joint=joint,
        dash=stream.choice(
            ((6.0, 2.0, stream.uniform(0, 6)), (6.0, 4.0, stream.uniform(0, 6)), (9.0, 3.0, stream.uniform(0, 9)))
        ),
        joint_pitch=stream.choice((0.6, 0.75, 0.9)),
        colours=_colours(stream),
        shade=_shade(street, light, eaves),
        texture=(stream.integer(0, 512), stream.integer(0, 512)),
        bands=tuple(_bands(street, plain, stream)),
    )


def _mark_kerbs(profile: NDArray[np.uint8], half: float, stream: Stream) -> None:
    """The lines along the kerbs, and lanes for bicycles."""
    marks = stream.integer(0, 4)
    if marks in (1, 3):
        # No-parking lines, single or double.
        for side in (-1, 1):
            for k in range(1 if marks == 1 else 2):
                _line(profile, side * (half - 0.35 - 0.25 * k), 0.1, Ground.YELLOW)
    elif marks == 2:
        for side in (-1, 1):
            _line(profile, side * (half - 0.3), 0.15, Ground.PAINT)
    if stream.chance(0.22) and half > 3.6:
        for side in (-1, 1):
            low, high = sorted((side * (half - 1.6), side * (half - 0.3)))
            strip(profile, low, high, Ground.LANE)
            _line(profile, side * (half - 1.6), 0.15, Ground.PAINT)


def _shade(street: Street, light: Light, eaves: dict[int, float]) -> tuple[float, float] | None:
    """The band, from and to as seen from the middle of the street, on which the houses throw their shadow."""
    if light.strength <= 0.15:
        return None
    side = 1 if light.sun[0] > 0 else -1
    wall = abs(street.front(side)) + street.sides[side].setback
    edge = max(wall - eaves[side] * abs(light.sun[0]) / light.sun[1], -street.half - 2.0)
    return (edge, REACH) if side > 0 else (-REACH, -edge)


def _colours(stream: Stream) -> dict[Ground, RGB]:
    """Colours of the materials: asphalt from fresh to bleached, slabs grey to sandy or brick."""
    grey = stream.uniform(74.0, 122.0)
    blue = stream.uniform(-3.0, 5.0)
    stone = stream.uniform(128.0, 176.0)
    sand = stream.uniform(0.0, 16.0)
    slab = (stone + sand, stone, stone - sand * 1.3)
    if stream.chance(0.18):
        slab = (stone + 6.0, stone * 0.76, stone * 0.66)
    green = stream.uniform(0.0, 1.0)
    lane = stream.choice(((138.0, 66.0, 56.0), (70.0, 104.0, 82.0)))
    return {
        Ground.ASPHALT: (grey, grey, grey + blue),
        Ground.WORN: (grey * 0.93, grey * 0.93, (grey + blue) * 0.93),
        Ground.PAINT: (226.0, 226.0, 222.0),
        Ground.YELLOW: (206.0, 170.0, 60.0),
        Ground.KERB: (stone + 26.0, stone + 26.0, stone + 22.0),
        Ground.SLAB: slab,
        Ground.PAVING: slab,
        Ground.JOINT: (slab[0] * 0.8, slab[1] * 0.8, slab[2] * 0.8),
        Ground.GRASS: (84 + 26 * green, 116 + 12 * green, 52 + 8 * green),
        Ground.GUTTER: (grey * 0.8, grey * 0.8, grey * 0.8),
        Ground.LANE: lane,
        Ground.EARTH: (124.0, 104.0, 82.0),
    }


def _lay_side(profile: NDArray[np.uint8], street: Street, side: int) -> None:
    """Gutter, kerb, verge, pavement with its joints, and the lots' forecourts."""
    half, plan = street.half, street.sides[side]

    def lay(start: float, end: float, material: Ground) -> None:
        low, high = sorted((side * start, side * end))
        strip(profile, low, high, material)

    lay(half - 0.28, half, Ground.GUTTER)
    lay(half, half + 0.18, Ground.KERB)
    inner = half + 0.18 + plan.verge
    outer = inner + plan.pavement
    lay(inner, outer, Ground.PAVING)
    lateral = inner + 0.6
    while lateral < outer:
        lay(lateral, lateral + 0.03, Ground.JOINT)
        lateral += 0.6
    if plan.kind in ("terrace", "shops", "modern"):
        lay(outer, 50.0, Ground.SLAB)


def _line(profile: NDArray[np.uint8], middle: float, width: float, material: Ground) -> None:
    """A painted line along the street."""
    strip(profile, middle - 0.5 * width, middle + 0.5 * width, material)


def _bands(street: Street, plain: NDArray[np.uint8], stream: Stream) -> list[Band]:
    """Junction, stop line and zebra crossing."""
    bands = []
    half = street.half
    if street.closed:
        across = blank_profile(Ground.ASPHALT)
        bands = [
            Band(street.end - 9.0, street.end - 2.5, across),
            Band(street.end - 2.5, street.end - 2.2, blank_profile(Ground.KERB)),
            Band(street.end - 2.2, 500.0, blank_profile(Ground.SLAB)),
        ]
    if street.junction is not None:
        start, end = street.junction
        mouth = plain.copy()
        for side in street.mouths:
            low, high = sorted((side * (half - 0.3), side * 51.0))
            strip(mouth, low, high, Ground.ASPHALT)
        bands.append(Band(start, end, mouth))
        # Kerbs round the mouth, seen across.
        rim = plain.copy()
        for side in street.mouths:
            low, high = sorted((side * half, side * 51.0))
            strip(rim, low, high, Ground.KERB)
        bands += [Band(start - 0.2, start, rim), Band(end, end + 0.3, rim)]
        if street.zebra is None and stream.chance(0.7):
            stop = plain.copy()
            low, high = sorted((0.0, (-half if street.drive_left else half) * 0.95))
            strip(stop, low, high, Ground.PAINT)
            bands.append(Band(start - 1.6, start - 1.2, stop))
    if street.zebra is not None:
        crossing = plain.copy()
        pitch = stream.choice((1.0, 1.2))
        lateral = -half + 0.3
        while lateral + 0.5 * pitch < half:
            strip(crossing, lateral, lateral + 0.5 * pitch, Ground.PAINT)
            lateral += pitch
        bands.append(Band(street.zebra, street.zebra + stream.uniform(2.4, 3.4), crossing))
    return bands
