"""Buildings along the street: a façade, a gable towards the camera, a roof with chimneys."""

from __future__ import annotations

from dataclasses import dataclass

from hyperseg.streets.classes import Kind
from hyperseg.streets.facade import FacadeStyle, facade_texture
from hyperseg.streets.randomness import Stream
from hyperseg.streets.view import NEAR, RGB, View
from hyperseg.streets.wall import draw_wall

# Coordinate of a unit vector at 45 degrees.
_DIAGONAL = 0.70710678


@dataclass(frozen=True)
class Building:
    """A building whose façade runs from ``near`` to ``far`` (ground points x, z); ``side`` is -1 left, +1 right.

    ``back`` is its depth away from the street, ``roof`` the height of the ridge above the eaves (0: flat), metres.
    ``joined`` says that the next nearer building stands wall to wall, so that the gable needs no texture.
    """

    near: tuple[float, float]
    far: tuple[float, float]
    side: int
    height: float
    back: float
    roof: float
    tiles: RGB
    style: FacadeStyle
    gable: FacadeStyle
    joined: bool
    chimneys: int
    key: int

    @property
    def depth(self) -> float:
        """The far end: whatever stands beyond it may be hidden by the building, whatever is nearer stands before it."""
        return self.far[1]

    def draw(self, view: View) -> None:
        """Paint roof, gable, façade."""
        if self.far[1] <= NEAR:
            return
        stream = Stream(self.key)
        light, camera = view.light, view.camera
        length = self.far[1] - self.near[1]
        # The texture's grain follows the nearest part that can be in the picture.
        visible = max(self.near[1], abs(self.near[0]) * camera.focal / camera.width, NEAR)
        fine = camera.focal / (0.6 * visible + 0.4 * max(self.far[1], visible))
        if self.roof > 0.0:
            _draw_slope(
                view, self.near, self.far, (0.5 * self.back * self.side, 0.0), self.height, self.roof, self.tiles
            )
            self._draw_chimneys(view, stream)
        if self.near[1] > NEAR:
            self._draw_gable(view, stream)
        draw_wall(
            view,
            self.near,
            self.far,
            self.height,
            lambda: facade_texture(self.style, length, self.height, fine, stream.fork("facade"), light.dark),
            light.facing(-float(self.side), 0.0, 0.0),
        )

    def _draw_gable(self, view: View, stream: Stream) -> None:
        """The end wall and the triangle below the ridge."""
        light, camera = view.light, view.camera
        z = self.near[1]
        outer = self.near[0] + self.side * self.back
        facing = light.facing(0.0, 0.0, -1.0)
        left, right = sorted((camera.column(self.near[0], z), camera.column(outer, z)))
        if right < 0.0 or left > camera.width:
            return
        word = light.word(self.gable.wall, Kind.BUILDING, z, facing)
        eaves = camera.row(self.height, z)
        if self.joined:
            view.canvas.fill_rectangle(left, eaves, right, camera.row(0.0, z), word)
        else:
            fine = camera.focal / z
            draw_wall(
                view,
                self.near,
                (outer, z),
                self.height,
                lambda: facade_texture(self.gable, self.back, self.height, fine, stream.fork("gable"), light.dark),
                facing,
            )
        if self.roof > 0.0:
            ridge = camera.point(0.5 * (self.near[0] + outer), self.height + self.roof, z)
            view.canvas.fill_polygon([(left, eaves), ridge, (right, eaves)], word)

    def _draw_chimneys(self, view: View, stream: Stream) -> None:
        """Stacks on the ridge, each with two pots."""
        light, camera = view.light, view.camera
        near = max(self.near[1], NEAR)
        for k in range(self.chimneys):
            share = (k + stream.uniform(0.3, 0.7)) / self.chimneys
            z = near + (self.far[1] - near) * share
            x = self.near[0] + (self.far[0] - self.near[0]) * share + 0.45 * self.back * self.side
            left, top = camera.point(x - 0.5, self.height + self.roof + 1.1, z)
            right, bottom = camera.point(x + 0.5, self.height + self.roof * 0.7, z)
            view.canvas.fill_rectangle(left, top, right, bottom, light.word(self.gable.wall, Kind.BUILDING, z, 0.8))
            pot = light.word((170.0, 95.0, 70.0), Kind.BUILDING, z, 0.9)
            wide, tall = right - left, bottom - top
            for place in (0.1, 0.6):
                x0 = left + wide * place
                view.canvas.fill_rectangle(x0, top - 0.25 * tall, x0 + 0.3 * wide, top, pot)


@dataclass(frozen=True)
class Front:
    """A building that closes the view: its façade faces the camera from (x, z), ``width`` and ``height`` in metres."""

    x: float
    z: float
    width: float
    height: float
    roof: float
    tiles: RGB
    style: FacadeStyle
    key: int

    @property
    def depth(self) -> float:
        return self.z

    def draw(self, view: View) -> None:
        """Paint roof and façade."""
        light = view.light
        start, end = (self.x, self.z), (self.x + self.width, self.z)
        if self.roof > 0.0:
            _draw_slope(view, start, end, (0.0, 4.0), self.height, self.roof, self.tiles)
        fine = view.camera.focal / self.z
        draw_wall(
            view,
            start,
            end,
            self.height,
            lambda: facade_texture(self.style, self.width, self.height, fine, Stream(self.key), light.dark),
            light.facing(0.0, 0.0, -1.0),
        )


def _draw_slope(
    view: View,
    start: tuple[float, float],
    end: tuple[float, float],
    inward: tuple[float, float],
    eaves: float,
    rise: float,
    tiles: RGB,
) -> None:
    """A roof's slope from the eaves over start..end to a ridge ``inward`` (x, z) and ``rise`` up, in strips."""
    light, camera = view.light, view.camera
    a, b = (start[0], max(start[1], NEAR)), (end[0], max(end[1], NEAR))
    middle = 0.5 * (a[1] + b[1])
    across = 0.0 if inward[0] == 0.0 else -_DIAGONAL if inward[0] > 0.0 else _DIAGONAL
    brightness = light.facing(across, _DIAGONAL, -_DIAGONAL if inward[1] > 0.0 else 0.0)
    strips = 4 if middle < 40.0 else 2
    for k in range(strips):
        # The eaves stick out by a few per cent of the slope.
        low, high = k / strips - (0.07 if k == 0 else 0.0), (k + 1) / strips
        points = [
            camera.point(x + inward[0] * share, eaves + rise * share, z + inward[1] * share)
            for (x, z), share in ((a, low), (a, high), (b, high), (b, low))
        ]
        shade = brightness * (0.86 + 0.21 * k / strips)
        view.canvas.fill_polygon(points, light.word(tiles, Kind.BUILDING, middle, shade))
