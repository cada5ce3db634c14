"""What moves or is parked: vehicles, bicyclists, pedestrians."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

from hyperseg.streets.people import Figure
from hyperseg.streets.randomness import Stream
from hyperseg.streets.street import Street
from hyperseg.streets.vehicle_shapes import SHAPES
from hyperseg.streets.vehicles import Vehicle
from hyperseg.streets.view import RGB

_PAINTS: tuple[RGB, ...] = (
    (206, 208, 210), (228, 228, 226), (34, 35, 38), (62, 66, 72), (128, 132, 138), (150, 24, 28), (30, 52, 108),
    (70, 108, 152), (28, 66, 54), (176, 160, 132), (196, 62, 36), (92, 30, 44), (206, 172, 60), (88, 92, 96),
)  # fmt: skip
_CARS = ("hatchback", "hatchback", "hatchback", "saloon", "saloon", "estate", "estate", "offroad", "van")


class _Road:
    """What part of the road is taken: (lateral, depth, half width, half length) in metres."""

    def __init__(self) -> None:
        self.taken: list[tuple[float, float, float, float]] = []

    def claim(self, lateral: float, z: float, half_width: float, half_length: float) -> bool:
        """Take a place if it is free."""
        for other, at, wide, long in self.taken:
            if abs(other - lateral) < wide + half_width and abs(at - z) < long + half_length:
                return False
        self.taken.append((lateral, z, half_width, half_length))
        return True


def populate(street: Street, dark: bool, stream: Stream) -> tuple[list[Vehicle], list[Figure]]:
    """Vehicles and people of a scene."""
    road = _Road()
    vehicles = _moving(street, dark, road, stream.fork("moving"))
    vehicles += _parked(street, road, stream.fork("parked"))
    people = _bicyclists(street, road, stream.fork("bicyclists"))
    people += _pedestrians(street, road, stream.fork("pedestrians"))
    return vehicles, people


def _vehicle(
    street: Street, lateral: float, z: float, kind: str, towards: bool, stream: Stream, dark: bool, turn: float = 0.0
) -> Vehicle:
    """A vehicle that follows the street at this place; ``towards`` the camera or away; ``turn`` slants it a little."""
    slope = street.slope + street.bend * z + turn
    norm = 1.0 / sqrt(1.0 + slope * slope)
    heading = (norm, slope * norm)
    if towards:
        heading = (-heading[0], -heading[1])
    paint = stream.choice(_PAINTS)
    if kind == "bus":
        paint = stream.choice(((176.0, 24.0, 28.0), (30.0, 70.0, 140.0), (222.0, 220.0, 210.0), (40.0, 120.0, 84.0)))
    plate: RGB = (226.0, 190.0, 50.0) if street.drive_left else (232.0, 232.0, 226.0)
    return Vehicle(street.x(lateral, z), z, heading, kind, paint, plate, dark, stream.chance(0.35))


def _moving(street: Street, dark: bool, road: _Road, stream: Stream) -> list[Vehicle]:
    """Vehicles ahead in the camera's lane and coming towards it, and one that crosses at the junction."""
    vehicles = []
    own = -1.0 if street.drive_left else 1.0
    lanes = (0.5,) if street.lanes == 2 else (0.25, 0.75)
    for direction in (own, -own):
        for lane in lanes:
            z = stream.uniform(6.0, 26.0)
            for _ in range(stream.choice((0, 1, 1, 2, 2, 3, 4))):
                kind = stream.choice(("bus", "lorry")) if stream.chance(0.13) else stream.choice(_CARS)
                half = 0.5 * SHAPES[kind].length
                z += half
                lateral = direction * lane * street.half + stream.uniform(-0.25, 0.25)
                if road.claim(lateral, z, 1.0, half + 0.5):
                    vehicles.append(_vehicle(street, lateral, z, kind, direction != own, stream, dark))
                z += half + stream.uniform(3.0, 22.0)
    if street.junction is not None and stream.chance(0.6):
        z = 0.5 * (street.junction[0] + street.junction[1]) + stream.uniform(-1.5, 1.5)
        lateral = stream.choice(street.mouths) * stream.uniform(0.0, street.half + 9.0)
        if z > 9.0 and road.claim(lateral, z, 2.6, 1.4):
            vehicles.append(_crossing(_vehicle(street, lateral, z, stream.choice(_CARS), False, stream, dark), stream))
    if street.closed:
        for _ in range(stream.integer(0, 3)):
            z, lateral = street.end - stream.choice((4.2, 7.2)), stream.uniform(-16.0, 16.0)
            if road.claim(lateral, z, 2.6, 1.2):
                car = _vehicle(street, lateral, z, stream.choice(_CARS), False, stream, dark)
                vehicles.append(_crossing(car, stream))
    return vehicles


def _crossing(vehicle: Vehicle, stream: Stream) -> Vehicle:
    """The vehicle turned so that it shows its side."""
    slant = stream.uniform(-0.3, 0.3)
    norm = 1.0 / sqrt(1.0 + slant * slant)
    return replace(vehicle, heading=(slant * norm, stream.choice((-1.0, 1.0)) * norm))


def _parked(street: Street, road: _Road, stream: Stream) -> list[Vehicle]:
    """Rows of cars at the kerb."""
    vehicles: list[Vehicle] = []
    for side in (-1, 1):
        if not stream.chance(0.5):
            continue
        onto = stream.uniform(-0.3, 0.9)
        z = stream.uniform(6.0, 30.0)
        towards = stream.chance(0.5)
        for _ in range(stream.integer(1, 8)):
            kind = stream.choice(_CARS)
            half = 0.5 * SHAPES[kind].length
            z += half
            lateral = side * (street.half - 1.0 + onto)
            free = not street.in_mouth(side, z, half + 1.0)
            free = free and (street.zebra is None or abs(z - street.zebra - 1.5) > half + 2.5)
            if free and road.claim(lateral, z, 0.95, half + 0.2):
                turned = towards != stream.chance(0.2)
                car = _vehicle(street, lateral, z, kind, turned, stream, False, stream.uniform(-0.03, 0.03))
                vehicles.append(replace(car, brakes=False))
            z += half + (stream.uniform(0.6, 1.6) if stream.chance(0.8) else stream.uniform(4.0, 12.0))
    return vehicles


def _framed(x: float, z: float) -> bool:
    """Whether something at (x, z) is surely within the picture's width, whatever the lens."""
    return abs(x) < 0.46 * z


def _bicyclists(street: Street, road: _Road, stream: Stream) -> list[Figure]:
    """Bicyclists along the road's edges, now and then one across it."""
    figures: list[Figure] = []
    wanted = stream.choice((0, 1, 1, 1, 2, 2, 3))
    for _ in range(3 * wanted):
        if len(figures) == wanted:
            break
        across = stream.chance(0.3)
        side = stream.choice((-1, 1))
        z = stream.uniform(6.0, 20.0) if stream.chance(0.75) else stream.uniform(18.0, 45.0)
        lateral = stream.uniform(-0.9, 0.9) * street.half if across else side * (street.half - stream.uniform(0.5, 1.3))
        x = street.x(lateral, z)
        if _framed(x, z) and road.claim(lateral, z, 0.9 if across else 0.4, 0.5 if across else 1.0):
            pose = stream.integer(8, 16) if across else stream.integer(0, 8)
            size = stream.uniform(0.94, 1.06)
            figures.append(Figure(x, z, "bicyclist", pose, size, stream.chance(0.5), stream.bits()))
    return figures


def _pedestrians(street: Street, road: _Road, stream: Stream) -> list[Figure]:
    """People on the pavements, some in groups, some on the crossing."""
    figures: list[Figure] = []

    def add(lateral: float, z: float) -> None:
        size = stream.uniform(0.9, 1.06) if stream.chance(0.9) else stream.uniform(0.6, 0.8)
        pose = stream.integer(0, 22)
        figures.append(Figure(street.x(lateral, z), z, "pedestrian", pose, size, stream.chance(0.5), stream.bits()))

    for side in (-1, 1):
        inner = side * (street.half + 0.18 + street.sides[side].verge + 0.45)
        outer = street.front(side) - side * 0.45
        for _ in range(stream.integer(1, 7)):
            z = stream.uniform(6.0, 26.0) if stream.chance(0.6) else stream.uniform(20.0, 60.0)
            lateral = stream.uniform(min(inner, outer), max(inner, outer))
            if _framed(street.x(lateral, z), z):
                for k in range(1 if stream.chance(0.7) else stream.integer(2, 4)):
                    add(lateral + 0.6 * k * side, z + stream.uniform(-0.3, 0.3))
    if street.zebra is not None:
        for _ in range(stream.integer(0, 4)):
            lateral = stream.uniform(-1.0, 1.0) * street.half
            z = street.zebra + stream.uniform(0.4, 2.4)
            if z > 6.0 and road.claim(lateral, z, 0.4, 0.3):
                add(lateral, z)
    return figures
