"""Lots along both sides of the street: buildings, gardens, parks, with their fences and hedges."""

from __future__ import annotations

from dataclasses import replace

from hyperseg.streets.barriers import Barrier
from hyperseg.streets.buildings import Building, Front
from hyperseg.streets.facade import FacadeStyle
from hyperseg.streets.furniture import Sign
from hyperseg.streets.randomness import Stream
from hyperseg.streets.street import Street
from hyperseg.streets.styles import BARKS, LEAVES, METALS, TILES, WOODS, draw_style
from hyperseg.streets.trees import Tree
from hyperseg.streets.view import RGB, Item

# Eaves in metres (lowest, highest) and lot lengths in metres by the kind of side.
_EAVES = {
    "terrace": (7.0, 12.5),
    "shops": (8.0, 15.0),
    "suburb": (5.4, 7.4),
    "modern": (10.0, 24.0),
    "park": (6.0, 9.0),
}
_LOTS = {
    "terrace": (5.0, 9.0),
    "shops": (6.0, 14.0),
    "suburb": (8.0, 13.0),
    "modern": (14.0, 34.0),
    "park": (14.0, 24.0),
}


def line_side(street: Street, side: int, stream: Stream) -> tuple[list[Item], float]:
    """Everything on the lots of one side, and the usual height of its eaves in metres (for the shadow)."""
    plan = street.sides[side]
    items: list[Item] = []
    base = stream.uniform(*_EAVES[plan.kind])
    alike = stream.chance(0.45)
    style, tiles = draw_style(plan.kind, stream), stream.choice(TILES)
    border = stream.choice(("panel", "panel", "panel", "hedge", "hedge", "railing", "mesh", "rail"))
    last = street.end - (9.0 if street.closed else 4.0)
    z = stream.uniform(-14.0, 1.0)
    number = 0
    joined = False
    while z < last - 2.0:
        number += 1
        lot = stream.fork("lot", number)
        length = min(lot.uniform(*_LOTS[plan.kind]), last - z)
        mouth = street.junction if side in street.mouths else None
        if mouth is not None and z < mouth[1] and z + length > mouth[0]:
            # The lot ends where the side street begins, or starts behind it.
            if mouth[0] - z < 4.5:
                z, joined = mouth[1], False
                continue
            length = mouth[0] - z
        if plan.kind == "park" or lot.chance(0.12 if plan.kind in ("suburb", "modern") else 0.05):
            items += _park(street, side, z, length, lot)
            joined = False
        else:
            if not alike or lot.chance(0.15):
                style, tiles = draw_style(plan.kind, lot), lot.choice(TILES)
            items += _building(street, side, (z, length), base, style, tiles, joined, lot)
            joined = plan.kind != "suburb"
        if plan.setback > 1.2 and z + length > 2.0:
            items += _border(street, side, z, length, border if lot.chance(0.8) else "panel", lot)
        z += length + (lot.uniform(1.5, 5.0) if plan.kind == "suburb" else 0.0)
    return items, (0.0 if plan.kind == "park" else base)


def close_street(street: Street, stream: Stream) -> list[Item]:
    """A row of houses across the end of the street."""
    items: list[Item] = []
    kind = stream.choice(("terrace", "shops", "terrace", "modern"))
    # Low enough that sky is left above.
    base = min(stream.uniform(*_EAVES[kind]), 0.24 * street.end)
    x, stop = street.x(-60.0, street.end), street.x(60.0, street.end)
    while x < stop:
        width = stream.uniform(*_LOTS[kind])
        height = base + stream.uniform(-0.8, 0.8)
        roof = 0.0 if kind == "modern" else stream.uniform(1.5, 3.0)
        style, tiles = draw_style(kind, stream), stream.choice(TILES)
        items.append(Front(x, street.end, width, height, roof, tiles, style, stream.bits()))
        x += width
    return items


def _building(
    street: Street,
    side: int,
    extent: tuple[float, float],
    base: float,
    style: FacadeStyle,
    tiles: RGB,
    joined: bool,
    lot: Stream,
) -> list[Item]:
    """One building that starts at a depth and has a length (``extent``), with a hanging sign where it is a shop."""
    plan = street.sides[side]
    z, length = extent
    lateral = street.front(side) + side * (plan.setback + lot.uniform(0.0, 0.4))
    varied = lot.uniform(-1.2, 1.6) * (2.5 if plan.kind == "modern" else 1.0)
    pitched = plan.kind != "modern" and lot.chance(0.75)
    building = Building(
        near=(street.x(lateral, z), z),
        far=(street.x(lateral, z + length), z + length),
        side=side,
        height=max(4.8, base + varied),
        back=lot.uniform(8.0, 12.0),
        roof=lot.uniform(1.8, 3.4) if pitched else 0.0,
        tiles=tiles,
        style=style,
        gable=replace(style, kind="house" if lot.chance(0.35) else "blank"),
        joined=joined,
        chimneys=lot.integer(0, 3) if pitched else 0,
        key=lot.bits(),
    )
    items: list[Item] = [building]
    at = z + lot.uniform(0.2, 0.8) * length
    if style.kind == "shop" and lot.chance(0.5) and at > 7.0:
        size = (lot.uniform(0.7, 1.0), lot.uniform(0.6, 1.1))
        x = street.x(lateral - side * (0.15 + 0.5 * size[0]), at)
        items.append(Sign(x, lot.uniform(3.1, 3.9), at, size, "board", lot.bits()))
    return items


def _park(street: Street, side: int, z: float, length: float, lot: Stream) -> list[Item]:
    """Trees and bushes on grass, before a high hedge, so that the grass does not run to the horizon."""
    items: list[Item] = []
    for _ in range(int(length / 4.0) + 1):
        at = z + lot.uniform(0.0, length)
        lateral = street.front(side) + side * lot.uniform(2.0, 16.0)
        if at > 5.0:
            items.append(draw_tree(street.x(lateral, at), at, lot, lot.chance(0.25), 1.15))
    if z + length > 2.0:
        back = street.front(side) + side * 24.0
        start, end = max(z, 1.0), z + length
        ends = (street.x(back, start), start), (street.x(back, end), end)
        items.append(Barrier(*ends, "hedge", lot.uniform(3.0, 6.0), lot.choice(LEAVES), lot.bits()))
    return items


def _border(street: Street, side: int, z: float, length: float, kind: str, lot: Stream) -> list[Item]:
    """The lot's edge along the pavement, in two pieces with a gap for the gate, perhaps with a tree behind it."""
    lateral = street.front(side) + side * 0.05
    start, end = max(z, 1.0), z + length
    if end - start < 1.0:
        return []
    heights = {"hedge": (0.9, 1.8), "panel": (1.0, 1.8), "rail": (0.75, 0.8)}
    height = lot.uniform(*heights.get(kind, (1.0, 1.4)))
    colour = lot.choice({"hedge": LEAVES, "panel": WOODS}.get(kind, METALS))
    gate = start + lot.uniform(0.2, 0.8) * (end - start)
    items: list[Item] = []
    for low, high in ((start, gate - 0.6), (gate + 0.6, end)):
        if high - low > 0.5:
            ends = (street.x(lateral, low), low), (street.x(lateral, high), high)
            items.append(Barrier(*ends, kind, height, colour, lot.bits()))
    at = lot.uniform(start, end)
    if lot.chance(0.35) and at > 5.0:
        items.append(draw_tree(street.x(lateral + side * lot.uniform(0.8, 2.5), at), at, lot, lot.chance(0.6), 0.7))
    return items


def draw_tree(x: float, z: float, stream: Stream, bush: bool, size: float) -> Tree:
    """A tree or a bush at (x, z); ``size`` scales a tree's height."""
    draw = stream.uniform()
    kind = "bush" if bush else "bare" if draw < 0.14 else "cone" if draw < 0.24 else "crown"
    if kind == "bush":
        height, width, stem = stream.uniform(0.9, 2.2), stream.uniform(1.2, 2.8), 0.0
    else:
        height = size * stream.uniform(5.0, 11.0)
        width = height * (stream.uniform(0.35, 0.5) if kind == "cone" else stream.uniform(0.5, 0.85))
        stem = height * (stream.uniform(0.06, 0.15) if kind == "cone" else stream.uniform(0.2, 0.36))
    return Tree(
        x=x,
        z=z,
        kind=kind,
        height=height,
        width=width,
        stem=stem,
        colour=stream.choice(LEAVES),
        bark=stream.choice(BARKS),
        sprite=stream.integer(0, 60),
        flip=stream.chance(0.5),
    )
