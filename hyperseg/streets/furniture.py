"""What stands on the pavement: columns, signs, traffic lights."""

from __future__ import annotations

from dataclasses import dataclass

from hyperseg.streets.classes import Kind
from hyperseg.streets.randomness import Stream
from hyperseg.streets.signs import SIGN_COLOURS, board, signs
from hyperseg.streets.view import RGB, View


@dataclass(frozen=True)
class Pole:
    """A column at (x, z) with ``height`` and ``radius`` in metres; ``arm`` is the reach of a lamp's arm (0: none)."""

    x: float
    z: float
    height: float
    radius: float
    colour: RGB
    arm: float = 0.0
    lamp: bool = False

    @property
    def depth(self) -> float:
        return self.z

    def draw(self, view: View) -> None:
        """Paint the column in a lit and a shaded half, then arm and lamp; never thinner than a pixel."""
        camera, canvas, light = view.camera, view.canvas, view.light
        middle, top = camera.point(self.x, self.height, self.z)
        bottom = camera.row(0.0, self.z)
        scale = camera.focal / self.z
        half = max(0.5, self.radius * scale)
        lit = light.facing(0.0, 0.0, -1.0)
        bright = light.word(self.colour, Kind.POLE, self.z, lit * 1.12)
        dim = light.word(self.colour, Kind.POLE, self.z, lit * 0.72)
        lower = bottom - min(1.1, 0.2 * self.height) * scale
        canvas.fill_rectangle(middle - half, top, middle + half, bottom, dim)
        canvas.fill_rectangle(middle - half * 1.5, lower, middle + half * 1.5, bottom, dim)
        if half > 0.8:
            edge = middle - half if light.sun[0] < 0 else middle
            canvas.fill_rectangle(edge, top, edge + half, bottom, bright)
        if self.arm != 0.0:
            thick = max(1.0, 1.2 * self.radius * scale)
            tip = camera.column(self.x + self.arm, self.z)
            rise = 0.12 * abs(self.arm) * scale
            a, b = (middle, tip) if middle < tip else (tip, middle)
            ya, yb = (top, top - rise) if middle < tip else (top - rise, top)
            canvas.fill_polygon([(a, ya), (b, yb), (b, yb + thick), (a, ya + thick)], dim)
            reach = max(1.5, 0.45 * scale)
            drop = max(1.0, 0.16 * scale)
            x0, x1 = (tip - 0.3 * reach, tip + reach) if self.arm > 0 else (tip - reach, tip + 0.3 * reach)
            word = light.glow((255.0, 226.0, 160.0), Kind.POLE, self.z) if self.lamp else bright
            canvas.fill_rectangle(x0, top - rise - 0.3 * drop, x1, top - rise + drop, word)


@dataclass(frozen=True)
class Sign:
    """A sign facing the camera: its middle at (x, y, z), ``size`` (width, height) in metres.

    ``kind`` indexes ``signs()``, or is "board" for a painted board with writing, drawn from ``key``.
    """

    x: float
    y: float
    z: float
    size: tuple[float, float]
    kind: int | str
    key: int

    @property
    def depth(self) -> float:
        return self.z - 0.01

    def draw(self, view: View) -> None:
        """Paint the sign, at least a pixel or two large."""
        camera, light = view.camera, view.light
        x, y = camera.point(self.x, self.y, self.z)
        half = max(1.0, 0.5 * self.size[0] * camera.focal / self.z)
        tall = max(1.0, 0.5 * self.size[1] * camera.focal / self.z)
        lit = light.facing(0.0, 0.0, -1.0) * 1.05
        if isinstance(self.kind, int):
            sprite, colours = signs()[self.kind % len(signs())], SIGN_COLOURS
        else:
            sprite, colours = board(Stream(self.key))
        words = light.words(colours * lit, Kind.SIGN, [self.z])[0]
        view.canvas.blit(sprite, (x - half, y - tall, x + half, y + tall), words)


@dataclass(frozen=True)
class TrafficLight:
    """Three lamps in a box around (x, y, z) metres; ``state`` is 0 red, 1 amber, 2 green, 3 seen from behind."""

    x: float
    y: float
    z: float
    state: int

    @property
    def depth(self) -> float:
        return self.z - 0.01

    def draw(self, view: View) -> None:
        """Paint the backing board, the box and its lamps."""
        camera, canvas, light = view.camera, view.canvas, view.light
        x, y = camera.point(self.x, self.y, self.z)
        scale = camera.focal / self.z
        half, tall = max(1.2, 0.19 * scale), max(2.5, 0.52 * scale)
        lit = light.facing(0.0, 0.0, -1.0)
        edge: RGB = (190.0, 190.0, 184.0)
        canvas.fill_rectangle(x - half, y - tall, x + half, y + tall, light.word(edge, Kind.SIGN, self.z, lit))
        inset = min(0.03 * scale, 0.25 * half)
        dark = light.word((30.0, 31.0, 33.0), Kind.SIGN, self.z, lit)
        canvas.fill_rectangle(x - half + inset, y - tall + inset, x + half - inset, y + tall - inset, dark)
        if self.state == 3:
            return
        colours: tuple[RGB, ...] = ((255.0, 52.0, 36.0), (255.0, 184.0, 40.0), (60.0, 250.0, 150.0))
        radius = min(max(0.8, 0.13 * scale), half - inset)
        for k in range(3):
            centre = y + (k - 1) * 0.62 * tall
            word = light.word((58.0, 54.0, 50.0), Kind.SIGN, self.z, lit)
            if k == self.state:
                word = light.glow(colours[k], Kind.SIGN, self.z)
            cut = 0.45 * radius
            canvas.fill_polygon(
                [
                    (x - cut, centre - radius), (x + cut, centre - radius), (x + radius, centre - cut),
                    (x + radius, centre + cut), (x + cut, centre + radius), (x - cut, centre + radius),
                    (x - radius, centre + cut), (x - radius, centre - cut),
                ],
                word,
            )  # fmt: skip
