"""Pedestrians and bicyclists: a few dozen poses, drawn once, dressed anew each time they appear."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hyperseg.streets.classes import Kind
from hyperseg.streets.randomness import Stream, derive_key
from hyperseg.streets.shapes import Sketch, Sprite
from hyperseg.streets.view import RGB, View

_SKIN, _HAIR, _TOP, _FOLD, _LEGS, _FAR_LEG, _SHOE, _BAG, _TYRE, _FRAME, _VEST = range(1, 12)

#: Width and height of the sprites in metres.
PERSON_BOX = (1.1, 1.9)
BICYCLIST_BOX = (2.0, 1.95)
_DENSITY = 72.0

_SKINS: tuple[RGB, ...] = ((224, 182, 154), (198, 150, 118), (150, 104, 76), (96, 66, 50), (236, 200, 176))
_HAIRS: tuple[RGB, ...] = ((38, 30, 26), (84, 58, 36), (150, 116, 66), (130, 128, 126), (22, 22, 24), (120, 62, 34))
_TOPS: tuple[RGB, ...] = (
    (36, 38, 46), (60, 64, 78), (140, 32, 36), (38, 66, 128), (196, 192, 184), (66, 92, 62), (198, 150, 44),
    (98, 54, 92), (150, 148, 150), (30, 92, 110), (186, 86, 50), (24, 24, 26),
)  # fmt: skip
_BOTTOMS: tuple[RGB, ...] = ((32, 34, 42), (52, 62, 92), (84, 88, 98), (112, 98, 78), (24, 24, 28), (70, 56, 46))


@dataclass(frozen=True)
class Figure:
    """A person, on foot or on a bicycle: which pose, where (x, z in metres), how tall as a share of the usual."""

    x: float
    z: float
    kind: str
    pose: int
    size: float
    flip: bool
    key: int

    @property
    def depth(self) -> float:
        return self.z

    def draw(self, view: View) -> None:
        """Paint the figure standing on the ground."""
        poses = walking_poses() if self.kind == "pedestrian" else cycling_poses()
        width, height = PERSON_BOX if self.kind == "pedestrian" else BICYCLIST_BOX
        label = Kind.PEDESTRIAN if self.kind == "pedestrian" else Kind.BICYCLIST
        left, top = view.camera.point(self.x - 0.5 * width * self.size, height * self.size, self.z)
        right, bottom = view.camera.point(self.x + 0.5 * width * self.size, 0.0, self.z)
        light = view.light
        colours = dress(Stream(self.key)) * light.facing(0.0, 0.2, -0.98)
        words = light.words(colours, label, [self.z])[0]
        view.canvas.blit(poses[self.pose % len(poses)], (left, top, right, bottom), words, self.flip)


def dress(stream: Stream) -> NDArray[np.float64]:
    """Colours of the materials, float (materials, 3)."""
    top, bottom = stream.choice(_TOPS), stream.choice(_BOTTOMS)
    frame = (stream.uniform(20.0, 190.0), stream.uniform(20.0, 120.0), stream.uniform(20.0, 140.0))
    vest: RGB = (208, 232, 40) if stream.chance(0.4) else top
    bag = stream.choice(_TOPS)
    colours: list[RGB] = [
        (0, 0, 0),
        stream.choice(_SKINS),
        stream.choice(_HAIRS),
        top,
        (top[0] * 0.72, top[1] * 0.72, top[2] * 0.72),
        bottom,
        (bottom[0] * 0.7, bottom[1] * 0.7, bottom[2] * 0.7),
        (34, 30, 30),
        bag,
        (26, 26, 28),
        frame,
        vest,
    ]
    return np.array(colours, dtype=np.float64)


@lru_cache(maxsize=1)
def walking_poses() -> tuple[Sprite, ...]:
    """Pedestrians: front and back views, and side views through the steps of a walk."""
    stream = Stream(derive_key("streets people"))
    return tuple(_front(stream) for _ in range(10)) + tuple(_side(stream, k / 5.0) for k in range(6) for _ in range(2))


def _front(stream: Stream) -> Sprite:
    """A person seen from the front or from behind."""
    s = Sketch(*PERSON_BOX, _DENSITY)
    stride = stream.uniform(0.0, 0.16)
    hip = 0.9
    wide = stream.uniform(0.17, 0.22)
    back = stream.chance(0.5)
    skirt = stream.chance(0.25)
    for side, foot in ((-1, 0.04), (1, 0.04 + stride)):
        x = 0.10 * side
        legs = _SKIN if skirt else (_LEGS if side < 0 else _FAR_LEG)
        s.limb((x, hip), (x * 1.05, 0.5 + foot * 0.5), 0.105, 0.08, legs)
        s.limb((x * 1.05, 0.5 + foot * 0.5), (x * 1.1, foot + 0.05), 0.08, 0.05, legs)
        s.oval((x * 1.2, foot + 0.03), 0.075, 0.05, _SHOE)
    if skirt:
        s.convex([(-0.27, 0.52), (0.27, 0.52), (0.17, 1.0), (-0.17, 1.0)], _LEGS)
    for side in (-1, 1):
        swing = stream.uniform(0.0, 0.1)
        s.limb((wide * side, 1.42), ((wide + 0.07) * side, 1.12), 0.07, 0.055, _FOLD)
        s.limb(((wide + 0.07) * side, 1.12), ((wide + 0.06 - swing) * side, 0.86), 0.055, 0.042, _FOLD)
        s.oval(((wide + 0.06 - swing) * side, 0.82), 0.045, 0.055, _SKIN)
    low = 0.68 if stream.chance(0.3) else 0.88
    s.convex(
        [
            (-0.19, low),
            (0.19, low),
            (wide + 0.03, 1.38),
            (wide - 0.02, 1.49),
            (-wide + 0.02, 1.49),
            (-wide - 0.03, 1.38),
        ],
        _TOP,
    )
    s.convex([(0.06, low), (0.19, low), (wide + 0.03, 1.38), (0.10, 1.46)], _FOLD)
    if back and stream.chance(0.5):
        s.convex([(-0.15, 1.0), (0.15, 1.0), (0.15, 1.4), (-0.15, 1.4)], _BAG)
    s.limb((0.0, 1.45), (0.0, 1.56), 0.06, 0.06, _SKIN)
    s.oval((0.0, 1.65), 0.1, 0.125, _HAIR if back else _SKIN)
    if not back:
        s.oval((0.0, 1.72), 0.105, 0.075, _HAIR)
    if stream.chance(0.35):
        s.limb((-0.09, 1.7), (-0.1, 1.46), 0.045, 0.05, _HAIR)
        s.limb((0.09, 1.7), (0.1, 1.46), 0.045, 0.05, _HAIR)
    if stream.chance(0.35):
        s.box(-0.37, 0.5, -0.2, 0.82, _BAG)
    return s.finished()


def _side(stream: Stream, step: float) -> Sprite:
    """A person who walks to the right; ``step`` in 0..1 opens the legs."""
    s = Sketch(*PERSON_BOX, _DENSITY)
    reach = 0.08 + 0.28 * step
    hip = (0.0, 0.92)
    # The far arm and leg first.
    s.limb((0.0, 1.4), (0.18 * step + 0.02, 1.12), 0.06, 0.05, _FOLD)
    s.limb((0.18 * step + 0.02, 1.12), (0.3 * step + 0.06, 0.92), 0.05, 0.04, _FOLD)
    s.limb(hip, (-0.45 * reach, 0.5), 0.1, 0.075, _FAR_LEG)
    s.limb((-0.45 * reach, 0.5), (-1.2 * reach, 0.14), 0.075, 0.05, _FAR_LEG)
    s.limb((-1.2 * reach, 0.09), (-1.2 * reach + 0.13, 0.05), 0.05, 0.035, _SHOE)
    s.limb(hip, (0.65 * reach, 0.5), 0.11, 0.08, _LEGS)
    s.limb((0.65 * reach, 0.5), (0.85 * reach, 0.1), 0.075, 0.05, _LEGS)
    s.limb((0.85 * reach, 0.06), (0.85 * reach + 0.15, 0.045), 0.05, 0.035, _SHOE)
    low = 0.66 if stream.chance(0.3) else 0.86
    s.convex([(-0.15, low), (0.14, low), (0.15, 1.2), (0.11, 1.48), (-0.09, 1.48), (-0.16, 1.25)], _TOP)
    if stream.chance(0.4):
        s.convex([(-0.3, 1.0), (-0.13, 1.0), (-0.11, 1.42), (-0.26, 1.42)], _BAG)
    s.limb((0.0, 1.4), (-0.2 * step - 0.02, 1.14), 0.068, 0.055, _FOLD)
    s.limb((-0.2 * step - 0.02, 1.14), (-0.2 * step + 0.06, 0.9), 0.05, 0.042, _FOLD)
    s.oval((-0.2 * step + 0.07, 0.87), 0.045, 0.05, _SKIN)
    s.limb((0.0, 1.45), (0.02, 1.56), 0.055, 0.055, _SKIN)
    s.oval((0.03, 1.65), 0.105, 0.125, _SKIN)
    s.convex([(-0.09, 1.6), (-0.01, 1.6), (0.06, 1.72), (0.11, 1.74), (0.06, 1.78), (-0.05, 1.77), (-0.1, 1.7)], _HAIR)
    if stream.chance(0.3):
        s.limb((-0.05, 1.7), (-0.09, 1.42), 0.06, 0.05, _HAIR)
    return s.finished()


@lru_cache(maxsize=1)
def cycling_poses() -> tuple[Sprite, ...]:
    """Bicyclists: the first eight ride towards or away from the camera, the other eight to the right."""
    stream = Stream(derive_key("streets bicyclists"))
    return tuple(_ride_along(stream) for _ in range(8)) + tuple(_ride_across(stream, k) for k in range(8))


def _ride_along(stream: Stream) -> Sprite:
    """Seen from behind or from the front."""
    s = Sketch(*BICYCLIST_BOX, _DENSITY)
    back = stream.chance(0.5)
    s.limb((0.0, 0.05), (0.0, 0.66), 0.04, 0.04, _TYRE)
    s.limb((0.0, 0.6), (0.0, 1.0), 0.03, 0.03, _FRAME)
    s.limb((-0.28, 1.03), (0.28, 1.03), 0.025, 0.025, _FRAME)
    lift = stream.uniform(-0.16, 0.16)
    for side in (-1, 1):
        knee = (0.17 * side, 0.62 + lift * side)
        s.limb((0.1 * side, 0.98), knee, 0.1, 0.075, _LEGS if side < 0 else _FAR_LEG)
        s.limb(knee, (0.11 * side, 0.3 + lift * side), 0.07, 0.05, _LEGS if side < 0 else _FAR_LEG)
        s.limb((0.11 * side, 0.26 + lift * side), (0.14 * side, 0.25 + lift * side), 0.05, 0.05, _SHOE)
        s.limb((0.2 * side, 1.46), (0.3 * side, 1.22), 0.065, 0.055, _FOLD)
        s.limb((0.3 * side, 1.22), (0.26 * side, 1.05), 0.05, 0.045, _FOLD)
    vest = _VEST if stream.chance(0.5) else _TOP
    s.convex([(-0.17, 0.92), (0.17, 0.92), (0.22, 1.38), (0.15, 1.52), (-0.15, 1.52), (-0.22, 1.38)], vest)
    if back and stream.chance(0.4):
        s.convex([(-0.14, 1.05), (0.14, 1.05), (0.14, 1.42), (-0.14, 1.42)], _BAG)
    s.oval((0.0, 1.65), 0.1, 0.13, _HAIR if back else _SKIN)
    s.oval((0.0, 1.73), 0.115, 0.09, _VEST if stream.chance(0.5) else _BAG)
    return s.finished()


def _ride_across(stream: Stream, step: int) -> Sprite:
    """Seen from the side, riding to the right; ``step`` turns the pedals by eighths."""
    s = Sketch(*BICYCLIST_BOX, _DENSITY)
    lean = stream.uniform(0.0, 0.16)
    # Eighths of a turn, times the crank's length.
    turn = ((0.0, 1.0), (0.7071, 0.7071), (1.0, 0.0), (0.7071, -0.7071))[step % 4]
    crank = (0.02, 0.3)
    for side, leg in ((-1, _FAR_LEG), (1, _LEGS)):
        pedal = (crank[0] + 0.17 * turn[0] * side, crank[1] + 0.17 * turn[1] * side)
        hip = (-0.22, 0.98)
        knee = (0.5 * (hip[0] + pedal[0]) + 0.22, 0.5 * (hip[1] + pedal[1]) + 0.1)
        if side > 0:
            for x in (-0.53, 0.53):
                s.oval((x, 0.35), 0.35, 0.35, _TYRE, hole=0.84)
                s.limb((x - 0.3, 0.35), (x + 0.3, 0.35), 0.012, 0.012, _FRAME)
                s.limb((x, 0.05), (x, 0.65), 0.012, 0.012, _FRAME)
                s.limb((x - 0.2, 0.15), (x + 0.2, 0.55), 0.012, 0.012, _FRAME)
                s.limb((x - 0.2, 0.55), (x + 0.2, 0.15), 0.012, 0.012, _FRAME)
                s.oval((x, 0.35), 0.05, 0.05, _FRAME)
            for a, b in (
                ((-0.53, 0.35), (-0.18, 0.85)), ((-0.53, 0.35), crank), (crank, (-0.2, 0.92)), (crank, (0.4, 0.85)),
                ((-0.18, 0.82), (0.4, 0.88)), ((0.38, 0.98), (0.53, 0.35)), ((0.38, 0.98), (0.48, 1.04)),
            ):  # fmt: skip
                s.limb(a, b, 0.028, 0.028, _FRAME)
            s.limb((-0.32, 0.95), (-0.1, 0.95), 0.035, 0.03, _TYRE)
        s.limb(hip, knee, 0.1, 0.075, leg)
        s.limb(knee, pedal, 0.07, 0.05, leg)
        s.limb((pedal[0] - 0.04, pedal[1] - 0.03), (pedal[0] + 0.1, pedal[1] - 0.03), 0.045, 0.035, _SHOE)
    shoulder = (0.1 + lean, 1.46 - 0.5 * lean)
    vest = _VEST if stream.chance(0.5) else _TOP
    s.limb((-0.22, 1.0), shoulder, 0.15, 0.13, vest)
    if stream.chance(0.35):
        s.limb((-0.24, 1.2), (shoulder[0] - 0.2, shoulder[1] - 0.02), 0.11, 0.1, _BAG)
    elbow = (shoulder[0] + 0.12, shoulder[1] - 0.26)
    s.limb(shoulder, elbow, 0.065, 0.055, _FOLD)
    s.limb(elbow, (0.46, 1.06), 0.05, 0.04, _FOLD)
    head = (shoulder[0] + 0.11, shoulder[1] + 0.21)
    s.limb(shoulder, head, 0.06, 0.06, _SKIN)
    s.oval(head, 0.1, 0.125, _SKIN)
    s.oval((head[0] - 0.015, head[1] + 0.07), 0.125, 0.085, _BAG if stream.chance(0.5) else _VEST)
    return s.finished()
