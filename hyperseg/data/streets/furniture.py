"""What stands on the pavement: lamp posts, traffic lights, signs, bollards, boards, fences and hedges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from hyperseg.data.streets import noise
from hyperseg.data.streets.classes import Label
from hyperseg.data.streets.randomness import Stream
from hyperseg.data.streets.shapes import Sketch, Sprite
from hyperseg.data.streets.view import RGB, View
from hyperseg.data.streets.wall import SHADES, Texture, draw_wall, shaded

_WHITE, _RED, _BLUE, _BLACK, _YELLOW, _GREEN, _GREY = range(1, 8)
_SIGN_COLOURS = np.array(
    [
        (0, 0, 0),
        (238, 238, 232),
        (200, 28, 34),
        (24, 72, 160),
        (26, 26, 28),
        (240, 198, 40),
        (22, 112, 74),
        (150, 152, 154),
    ],
    dtype=np.float64,
)


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
        bright = light.word(self.colour, Label.POLE, self.z, lit * 1.12)
        dim = light.word(self.colour, Label.POLE, self.z, lit * 0.72)
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
            word = light.glow((255.0, 226.0, 160.0), Label.POLE, self.z) if self.lamp else bright
            canvas.fill_rectangle(x0, top - rise - 0.3 * drop, x1, top - rise + drop, word)


@dataclass(frozen=True)
class Sign:
    """A sign facing the camera: its middle at (x, y, z), ``size`` (width, height) in metres.

    ``kind`` indexes :func:`signs`, or is "board" for a painted board with writing, drawn from ``key``.
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
            sprite, colours = signs()[self.kind % len(signs())], _SIGN_COLOURS
        else:
            sprite, colours = board(Stream(self.key))
        words = light.words(colours * lit, Label.SIGN, [self.z])[0]
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
        half, tall = max(1.2, 0.21 * scale), max(2.5, 0.56 * scale)
        lit = light.facing(0.0, 0.0, -1.0)
        edge: RGB = (190.0, 190.0, 184.0)
        canvas.fill_rectangle(x - half, y - tall, x + half, y + tall, light.word(edge, Label.SIGN, self.z, lit))
        inset = min(0.03 * scale, 0.25 * half)
        dark = light.word((30.0, 31.0, 33.0), Label.SIGN, self.z, lit)
        canvas.fill_rectangle(x - half + inset, y - tall + inset, x + half - inset, y + tall - inset, dark)
        if self.state == 3:
            return
        colours: tuple[RGB, ...] = ((255.0, 52.0, 36.0), (255.0, 184.0, 40.0), (60.0, 250.0, 150.0))
        radius = min(max(0.8, 0.13 * scale), half - inset)
        for k in range(3):
            centre = y + (k - 1) * 0.62 * tall
            word = light.word((58.0, 54.0, 50.0), Label.SIGN, self.z, lit)
            if k == self.state:
                word = light.glow(colours[k], Label.SIGN, self.z)
            cut = 0.45 * radius
            canvas.fill_polygon(
                [
                    (x - cut, centre - radius), (x + cut, centre - radius), (x + radius, centre - cut),
                    (x + radius, centre + cut), (x + cut, centre + radius), (x - cut, centre + radius),
                    (x - radius, centre + cut), (x - radius, centre - cut),
                ],
                word,
            )  # fmt: skip


@dataclass(frozen=True)
class Barrier:
    """A fence or hedge between two ground points (x, z), metres: panel, railing, mesh, rail or hedge."""

    start: tuple[float, float]
    end: tuple[float, float]
    kind: str
    height: float
    colour: RGB
    key: int

    @property
    def depth(self) -> float:
        return 0.5 * (self.start[1] + self.end[1])

    def draw(self, view: View) -> None:
        """Paint it as a wall whose texture has gaps where one sees through."""
        dx, dz = self.end[0] - self.start[0], self.end[1] - self.start[1]
        length = sqrt(dx * dx + dz * dz)
        nearest = max(min(self.start[1], self.end[1]), 1.5)
        density = min(40.0, max(4.0, view.camera.focal / nearest))
        across = 1.0 if self.start[0] < 0 else -1.0
        facing = view.light.facing(across, 0.1, 0.0) if abs(dz) > abs(dx) else view.light.facing(0.0, 0.1, -0.99)
        draw_wall(
            view,
            self.start,
            self.end,
            self.height,
            lambda: barrier_texture(self.kind, length, self.height, density, self.colour, Stream(self.key)),
            facing,
        )


def barrier_texture(kind: str, length: float, height: float, density: float, colour: RGB, stream: Stream) -> Texture:
    """The texture of a fence or hedge, metres, ``density`` texels per metre."""
    rows, columns = max(3, int(height * density)), max(3, int(length * density))
    y = ((np.arange(rows) + 0.5) / rows * height)[:, None]
    x = ((np.arange(columns) + 0.5) / density)[None, :]
    i = (np.arange(rows) + stream.integer(0, noise.SIZE)) & (noise.SIZE - 1)
    j = (np.arange(columns) + stream.integer(0, noise.SIZE)) & (noise.SIZE - 1)
    dark = (colour[0] * 0.6, colour[1] * 0.6, colour[2] * 0.6)
    label = Label.FENCE
    solid = np.ones((rows, columns), dtype=bool)
    material = np.ones((rows, columns), dtype=np.uint8)
    source = noise.grain()
    if kind == "hedge":
        label, source = Label.TREE, noise.leaves()
        top = source[0].take((np.arange(columns) * 3 + stream.integer(0, noise.SIZE)) & (noise.SIZE - 1))
        solid = y > 0.1 * height * (top / 255.0)[None, :]
    elif kind == "panel":
        board_at = x / 0.16
        gap = board_at - np.floor(board_at) < 0.16
        material = np.where(gap | ((y > 0.45 * height) & (y < 0.45 * height + 0.06)), 2, 1).astype(np.uint8)
        post = x / 1.8
        material[:, (post - np.floor(post) < 0.07)[0]] = 2
    elif kind == "rail":
        post = x / 2.0
        solid = ((y > 0.12) & (y < 0.42)) | (post - np.floor(post) < 0.07)
        material = np.where((y > 0.22) & (y < 0.3), 2, 1).astype(np.uint8) * np.ones_like(material)
    else:
        pitch, bar = (0.13, 0.036) if kind == "railing" else (0.09, 0.03)
        frame = (y < 0.07) | ((y > height - 0.16) & (y < height - 0.09))
        # Where bars are finer than the texture, the lattice closes: every other texel column stays open.
        pitch = max(pitch, 2.0 / density)
        bar = max(bar, 1.0 / density)
        column = x / pitch
        solid = frame | (column - np.floor(column) < bar / pitch)
        post = x / 2.0
        solid |= post - np.floor(post) < 0.035
        if kind == "mesh":
            line = y / pitch
            solid |= line - np.floor(line) < bar / pitch
    texels = material * np.uint8(SHADES) + (source.take(i, axis=0).take(j, axis=1) >> 5)
    contrast = 0.55 if kind == "hedge" else 0.16
    texels = np.where(solid, texels, 0).astype(np.uint8)
    return Texture(texels, shaded([(0.0, 0.0, 0.0), colour, dark], contrast), int(label), clear=True)


@lru_cache(maxsize=1)
def signs() -> tuple[Sprite, ...]:
    """Round, triangular and square road signs, uint8 (64, 64), values index the sign colours."""
    made = []
    for kind in range(12):
        s = Sketch(1.0, 1.0, 64.0)
        c = (0.0, 0.5)
        if kind in (0, 1, 2):
            s.oval(c, 0.49, 0.49, _RED)
            s.oval(c, 0.36, 0.36, _WHITE)
            if kind == 0:
                s.oval((-0.14, 0.5), 0.1, 0.17, _BLACK)
                s.oval((-0.14, 0.5), 0.045, 0.1, _WHITE)
                s.oval((0.14, 0.5), 0.1, 0.17, _BLACK)
                s.oval((0.14, 0.5), 0.045, 0.1, _WHITE)
            elif kind == 1:
                s.limb((-0.25, 0.25), (0.25, 0.75), 0.05, 0.05, _RED)
            else:
                s.box(-0.22, 0.42, 0.22, 0.56, _BLACK)
        elif kind == 3:
            s.oval(c, 0.49, 0.49, _RED)
            s.box(-0.33, 0.42, 0.33, 0.58, _WHITE)
        elif kind in (4, 5):
            s.oval(c, 0.49, 0.49, _WHITE)
            s.oval(c, 0.45, 0.45, _BLUE)
            s.limb((0.0, 0.2), (0.0, 0.7), 0.05, 0.05, _WHITE)
            s.convex([(-0.2, 0.55), (0.2, 0.55), (0.0, 0.84)], _WHITE)
        elif kind in (6, 7):
            s.convex([(-0.49, 0.05), (0.49, 0.05), (0.0, 0.95)], _RED)
            s.convex([(-0.33, 0.15), (0.33, 0.15), (0.0, 0.76)], _WHITE)
            s.box(-0.05, 0.3, 0.05, 0.58, _BLACK)
            s.box(-0.05, 0.2, 0.05, 0.26, _BLACK)
        elif kind == 8:
            s.convex([(0.0, 0.05), (0.49, 0.95), (-0.49, 0.95)], _RED)
            s.convex([(0.0, 0.28), (0.32, 0.84), (-0.32, 0.84)], _WHITE)
        elif kind == 9:
            s.box(-0.48, 0.02, 0.48, 0.98, _WHITE)
            s.box(-0.43, 0.07, 0.43, 0.93, _BLUE)
            s.box(-0.15, 0.2, -0.04, 0.8, _WHITE)
            s.oval((0.03, 0.64), 0.19, 0.17, _WHITE, hole=0.5)
        elif kind == 10:
            s.box(-0.49, 0.1, 0.49, 0.9, _WHITE)
            s.box(-0.45, 0.14, 0.45, 0.86, _GREEN)
            s.box(-0.35, 0.56, 0.2, 0.7, _WHITE)
            s.box(-0.35, 0.3, 0.32, 0.44, _YELLOW)
        else:
            s.oval(c, 0.48, 0.48, _GREY)
            s.box(-0.05, 0.05, 0.05, 0.95, _BLACK)
        made.append(s.finished())
    return tuple(made)


def board(stream: Stream) -> tuple[Sprite, NDArray[np.float64]]:
    """A shop sign or an advertisement: a coloured board with lines of writing; sprite uint8 (24, 32) and colours."""
    sprite = np.ones((24, 32), dtype=np.uint8)
    sprite[1:-1, 1:-1] = 2
    lines = stream.integer(1, 4)
    for k in range(lines):
        y = 3 + k * 18 // lines
        tall = max(3, 12 // lines)
        for x in range(3, 28, 3):
            if stream.chance(0.8):
                sprite[y : y + tall, x : x + 2] = 3
    if stream.chance(0.4):
        sprite[3:21, 19:29] = 4
    ground = stream.choice(
        ((190, 30, 36), (30, 70, 150), (240, 206, 50), (20, 110, 70), (236, 234, 226), (34, 34, 38), (226, 120, 30))
    )
    bright = ground[0] + ground[1] + ground[2] > 400
    ink = (40, 36, 40) if bright else (240, 236, 226)
    picture = (stream.uniform(60, 230), stream.uniform(60, 230), stream.uniform(60, 230))
    return sprite, np.array([(0, 0, 0), ink, ground, ink, picture], dtype=np.float64)
