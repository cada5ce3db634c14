"""What stands along the kerb: lamp posts, signs, traffic lights, bollards, guard rails, street trees."""

from __future__ import annotations

from hyperseg.streets.barriers import Barrier
from hyperseg.streets.furniture import Pole, Sign, TrafficLight
from hyperseg.streets.randomness import Stream
from hyperseg.streets.roadside import draw_tree
from hyperseg.streets.street import Street
from hyperseg.streets.styles import COLUMNS, RAILS
from hyperseg.streets.view import RGB, Item

_GALVANIZED: RGB = (134.0, 136.0, 138.0)
# Which signs (indices into furniture.signs) serve as a plate below another.
_PLATES = (2, 9, 10)


def furnish(street: Street, side: int, dark: bool, stream: Stream) -> list[Item]:
    """Everything along one pavement; ``dark`` switches the lamps on."""
    colour = stream.choice(COLUMNS)
    items = _lamps(street, side, colour, dark, stream.fork("lamps"))
    items += _road_signs(street, side, stream.fork("signs"))
    items += _boards(street, side, colour, stream.fork("boards"))
    items += _traffic_lights(street, side, stream.fork("lights"))
    items += _bollards(street, side, colour, stream.fork("bollards"))
    items += _guard_rail(street, side, stream.fork("rail"))
    items += _trees(street, side, stream.fork("trees"))
    return items


def _lamps(street: Street, side: int, colour: RGB, dark: bool, stream: Stream) -> list[Item]:
    """Lamp posts at even distances, with an arm over the road or without."""
    items: list[Item] = []
    if not stream.chance(0.8):
        return items
    z, pitch = stream.uniform(6.0, 24.0), stream.uniform(18.0, 32.0)
    tall, arm = stream.uniform(6.0, 9.5), stream.choice((0.0, 1.2, 2.2))
    lateral = street.kerb(side) + side * 0.45
    while z < 100.0:
        if not street.in_mouth(side, z, 0.8):
            items.append(Pole(street.x(lateral, z), z, tall, 0.085, colour, -side * arm, dark))
        z += pitch
    return items


def _road_signs(street: Street, side: int, stream: Stream) -> list[Item]:
    """Signs on posts of their own, some with a plate below."""
    items: list[Item] = []
    for _ in range(stream.integer(1, 5)):
        z = stream.uniform(6.0, 22.0) if stream.chance(0.5) else stream.uniform(12.0, 50.0)
        x = street.x(street.kerb(side) + side * stream.uniform(0.35, 0.95), z)
        tall = stream.uniform(2.2, 3.2)
        large = stream.chance(0.18)
        if street.in_mouth(side, z, 0.8) or (large and z < 12.0):
            continue
        items.append(Pole(x, z, tall, 0.045, _GALVANIZED))
        if large:
            size = (stream.uniform(1.2, 2.0), stream.uniform(0.7, 1.3))
            items.append(Sign(x, tall - 0.3, z, size, "board" if stream.chance(0.5) else 10, stream.bits()))
            continue
        width = stream.uniform(0.6, 0.85)
        items.append(Sign(x, tall - 0.3, z, (width, width), stream.integer(0, 12), 0))
        if stream.chance(0.3):
            items.append(Sign(x, tall - 0.35 - width, z, (width, 0.55 * width), stream.choice(_PLATES), 0))
    return items


def _boards(street: Street, side: int, colour: RGB, stream: Stream) -> list[Item]:
    """An advertisement on two legs."""
    if not stream.chance(0.2):
        return []
    z = stream.uniform(9.0, 30.0)
    x = street.x(street.front(side) - side * 0.7, z)
    width, height = stream.uniform(1.0, 1.8), stream.uniform(1.2, 1.8)
    return [
        Pole(x - 0.4 * width, z, 1.2, 0.05, colour),
        Pole(x + 0.4 * width, z, 1.2, 0.05, colour),
        Sign(x, 0.9 + 0.5 * height, z, (width, height), "board", stream.bits()),
    ]


def _traffic_lights(street: Street, side: int, stream: Stream) -> list[Item]:
    """Signals before and behind a crossing or junction; those for the other direction are seen from behind."""
    place = street.zebra if street.zebra is not None else street.junction[0] - 1.0 if street.junction else None
    if place is None or place < 6.0 or not stream.chance(0.75):
        return []
    items: list[Item] = []
    for z, state in ((place, street.signal), (place + 9.0, street.signal), (place + 10.0, 3)):
        x = street.x(street.kerb(side) + side * stream.uniform(0.35, 0.75), z)
        items += [Pole(x, z, 3.1, 0.06, (70.0, 72.0, 74.0)), TrafficLight(x, 2.75, z, state)]
        if not stream.chance(0.6):
            break
    return items


def _bollards(street: Street, side: int, colour: RGB, stream: Stream) -> list[Item]:
    """A row of low posts at the kerb."""
    if not stream.chance(0.25):
        return []
    z, pitch = stream.uniform(5.0, 14.0), stream.uniform(1.5, 2.8)
    places = [z + k * pitch for k in range(stream.integer(3, 10))]
    lateral = street.kerb(side) + side * 0.3
    return [Pole(street.x(lateral, at), at, 1.0, 0.075, colour) for at in places if not street.in_mouth(side, at, 0.8)]


def _guard_rail(street: Street, side: int, stream: Stream) -> list[Item]:
    """A railing at the kerb, in pieces, so that people can stand before one and behind the next."""
    items: list[Item] = []
    if not stream.chance(0.4):
        return items
    kind = stream.choice(("railing", "railing", "mesh", "rail"))
    start, steps = stream.uniform(5.0, 18.0), stream.integer(2, 7)
    colour, key = stream.choice(RAILS), stream.bits()
    lateral = street.kerb(side) + side * 0.25
    for k in range(steps):
        a, b = start + 3.0 * k, start + 3.0 * (k + 1)
        if not street.in_mouth(side, a, 0.8) and not street.in_mouth(side, b, 0.8):
            ends = (street.x(lateral, a), a), (street.x(lateral, b), b)
            items.append(Barrier(*ends, kind, 1.05, colour, key))
    return items


def _trees(street: Street, side: int, stream: Stream) -> list[Item]:
    """A row of trees on the verge or along the kerb."""
    items: list[Item] = []
    plan = street.sides[side]
    likely = {"suburb": 0.65, "park": 0.75, "modern": 0.6, "terrace": 0.4, "shops": 0.35}
    if not stream.chance(likely[plan.kind]):
        return items
    z, pitch = stream.uniform(7.0, 18.0), stream.uniform(8.0, 16.0)
    lateral = street.kerb(side) + side * (0.5 * plan.verge if plan.verge > 0 else 0.8)
    size = stream.uniform(0.5, 0.95)
    while z < 90.0:
        if not street.in_mouth(side, z, 0.8):
            items.append(draw_tree(street.x(lateral, z), z, stream, False, size))
        z += pitch * stream.uniform(0.8, 1.3)
    return items
