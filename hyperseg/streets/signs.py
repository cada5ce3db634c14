"""Faces of road signs and painted boards, as sprites whose values index a table of colours."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hyperseg.streets.randomness import Stream
from hyperseg.streets.shapes import Sketch, Sprite
from hyperseg.streets.view import RGB

_WHITE, _RED, _BLUE, _BLACK, _YELLOW, _GREEN, _GREY = range(1, 8)
SIGN_COLOURS: NDArray[np.float64] = np.array(
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

_BOARD_COLOURS: tuple[RGB, ...] = (
    (190, 30, 36),
    (30, 70, 150),
    (240, 206, 50),
    (20, 110, 70),
    (236, 234, 226),
    (34, 34, 38),
    (226, 120, 30),
)


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
    """A shop sign or an advertisement: lines of writing, perhaps a picture; sprite uint8 (32, 48) and its colours."""
    sprite = np.full((32, 48), 2, dtype=np.uint8)
    right = 30 if stream.chance(0.4) else 45
    lines = stream.integer(1, 5)
    pitch = 26 // lines
    tall = max(3, pitch * 6 // 10)
    for k in range(lines):
        top, x = 4 + k * pitch, 4 + stream.integer(0, 6)
        while x < right - 2:
            wide = stream.integer(1, 2 + tall // 3)
            if stream.chance(0.85):
                sprite[top : top + tall, x : x + wide] = 3
                if stream.chance(0.5):
                    sprite[top + 1 : top + tall // 2, x + 1 : x + wide] = 2
            x += wide + 1
    if right == 30:
        sprite[3:29, 31:46] = 4
        sprite[15 + stream.integer(0, 8) : 29, 31:46] = 5
    sprite[:, [0, -1]] = 1
    sprite[[0, -1]] = 1
    ground = stream.choice(_BOARD_COLOURS)
    ink: RGB = (40, 36, 40) if ground[0] + ground[1] + ground[2] > 400 else (240, 236, 226)
    upper, lower = ((stream.uniform(60, 230), stream.uniform(60, 230), stream.uniform(60, 230)) for _ in range(2))
    return sprite, np.array([(0, 0, 0), ink, ground, ink, upper, lower], dtype=np.float64)
