"""A scene: everything drawn from one stream, before any pixel; the same at every size of the image."""

from __future__ import annotations

from dataclasses import dataclass

from hyperseg.streets.canvas import Canvas
from hyperseg.streets.classes import Kind
from hyperseg.streets.ground import Ground, GroundPlane
from hyperseg.streets.pavement import furnish
from hyperseg.streets.people import Figure
from hyperseg.streets.randomness import Stream
from hyperseg.streets.roadside import close_street, line_side
from hyperseg.streets.sky import Sky, Skyline
from hyperseg.streets.street import HORIZON, Street, draw_street, lay_ground
from hyperseg.streets.traffic import populate
from hyperseg.streets.trees import Tree, crowns
from hyperseg.streets.vehicles import Vehicle
from hyperseg.streets.view import RGB, Camera, Item, Light, View
from hyperseg.streets.weather import draw_weather


@dataclass(frozen=True)
class Lens:
    """The camera without an image size: focal length in units of (height + width) / 2, the rest in shares."""

    focal: float
    centre: float
    horizon: float
    eye: float

    def camera(self, height: int, width: int) -> Camera:
        """The camera for an image size in pixels."""
        return Camera(
            focal=self.focal * 0.5 * (height + width),
            centre=self.centre * width,
            horizon=self.horizon * height,
            eye=self.eye,
            width=width,
        )


@dataclass(frozen=True)
class Decal:
    """A flat mark on the road: its outline in world (x, z) metres."""

    outline: tuple[tuple[float, float], ...]
    colour: RGB


@dataclass(frozen=True)
class Scene:
    """What there is to draw, in the order in which it is drawn; items from far to near."""

    lens: Lens
    light: Light
    sky: Sky
    skyline: Skyline
    ground: GroundPlane
    decals: tuple[Decal, ...]
    items: tuple[Item, ...]

    def draw(self, height: int, width: int) -> Canvas:
        """Paint the scene at a size in pixels."""
        canvas = Canvas(height, width)
        view = View(canvas, self.lens.camera(height, width), self.light)
        self.sky.draw(view)
        self.skyline.draw(view)
        self.ground.draw(view)
        facing = self.light.facing(0.0, 1.0, 0.0)
        for decal in self.decals:
            word = self.light.word(decal.colour, Kind.ROAD, decal.outline[0][1], facing)
            canvas.fill_polygon([view.camera.point(x, 0.0, z) for x, z in decal.outline], word)
        for item in self.items:
            _draw_shadow(item, view)
        for item in self.items:
            item.draw(view)
        return canvas


def _draw_shadow(item: Item, view: View) -> None:
    """The shadow of an item on the ground; soft weather leaves only those right under the cars."""
    if isinstance(item, Vehicle):
        item.draw_shadow(view)
    elif isinstance(item, Tree | Figure) and view.light.strength > 0.35 and item.z < 50.0:
        size = item.width if isinstance(item, Tree) else 0.8
        tall = item.height if isinstance(item, Tree) else 1.7
        sun = view.light.sun
        # Half the height times the sun's slope; a low sun's long shadows would only be lost among others.
        reach = 0.5 * tall / max(sun[1], 0.55)
        x, z = item.x - sun[0] * reach, max(item.z - sun[2] * reach, 2.0)
        left, top = view.camera.point(x - 0.5 * size, 0.0, z + 0.5 * size)
        right, bottom = view.camera.point(x + 0.5 * size, 0.0, max(z - 0.5 * size, 1.5))
        if bottom - top > 1.0:
            view.canvas.darken_sprite(crowns()[int(item.z * 10.0) % 10], (left, top, right, bottom))


def draw_scene(stream: Stream) -> Scene:
    """A scene from its stream."""
    light, sky = draw_weather(stream.fork("weather"))
    street = draw_street(stream.fork("street"))
    items: list[Item] = []
    eaves = {}
    for side in (-1, 1):
        lots, eaves[side] = line_side(street, side, stream.fork("lots", side))
        items += lots
        items += furnish(street, side, light.dark, stream.fork("furniture", side))
    vehicles, people = populate(street, light.dark or light.weather == "rain", stream.fork("traffic"))
    items += vehicles
    items += people
    items = [item for item in items if item.depth < street.end]
    if street.closed:
        items += close_street(street, stream.fork("end"))
    items.sort(key=lambda item: -item.depth)
    ground = lay_ground(street, stream.fork("ground"), light, eaves)
    return Scene(
        lens=_draw_lens(stream.fork("lens")),
        light=light,
        sky=sky,
        skyline=_draw_skyline(stream.fork("skyline")),
        ground=ground,
        decals=tuple(_decals(street, ground.colours[Ground.ASPHALT], stream.fork("decals"))),
        items=tuple(items),
    )


def _draw_lens(stream: Stream) -> Lens:
    """A camera behind a windscreen."""
    return Lens(
        focal=stream.uniform(0.86, 1.06),
        centre=stream.uniform(0.44, 0.56),
        horizon=stream.uniform(0.43, 0.55),
        eye=stream.uniform(1.25, 1.7),
    )


def _draw_skyline(stream: Stream) -> Skyline:
    """Far houses and trees."""
    return Skyline(
        depth=HORIZON,
        key=stream.bits(),
        houses=stream.uniform(5.0, 13.0),
        trees=stream.uniform(4.0, 13.0),
        wall=(stream.uniform(120, 180), stream.uniform(110, 150), stream.uniform(90, 140)),
        leaf=(stream.uniform(70, 100), stream.uniform(92, 116), stream.uniform(56, 76)),
    )


def _decals(street: Street, asphalt: RGB, stream: Stream) -> list[Decal]:
    """Arrows, manhole covers, patches of newer asphalt."""
    decals: list[Decal] = []

    def lay(lateral: float, z: float, outline: list[tuple[float, float]], colour: RGB) -> None:
        decals.append(Decal(tuple((street.x(lateral + a, z + b), z + b) for a, b in outline), colour))

    if stream.chance(0.3):
        lane, z = (-0.5 if street.drive_left else 0.5) * street.half, stream.uniform(6.0, 18.0)
        lay(lane, z, [(-0.12, 0.0), (0.12, 0.0), (0.12, 2.4), (-0.12, 2.4)], (222.0, 222.0, 218.0))
        lay(lane, z, [(-0.45, 2.2), (0.45, 2.2), (0.0, 4.0)], (222.0, 222.0, 218.0))
    for _ in range(stream.integer(0, 5)):
        lateral, z = stream.uniform(-0.8, 0.8) * street.half, stream.uniform(4.0, 22.0)
        if stream.chance(0.5):
            octagon = [(2, 1), (1, 2), (-1, 2), (-2, 1), (-2, -1), (-1, -2), (1, -2), (2, -1)]
            lay(lateral, z, [(0.14 * a, 0.14 * b) for a, b in octagon], (66.0, 64.0, 62.0))
        else:
            w, h = stream.uniform(0.3, 0.8), stream.uniform(0.4, 2.5)
            tone = stream.choice((0.84, 0.88, 1.1))
            patch = (asphalt[0] * tone, asphalt[1] * tone, asphalt[2] * tone)
            lay(0.6 * lateral, z, [(-w, -h), (w, -h), (w, h), (-w, h)], patch)
    return decals
