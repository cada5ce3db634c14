"""Colours and façades to choose from."""

from __future__ import annotations

from hyperseg.streets.facade import FacadeStyle
from hyperseg.streets.randomness import Stream
from hyperseg.streets.view import RGB

_BRICKS: tuple[RGB, ...] = (
    (148, 82, 62),
    (166, 104, 76),
    (122, 70, 56),
    (186, 150, 106),
    (196, 168, 122),
    (170, 132, 96),
    (132, 94, 78),
)
_RENDERS: tuple[RGB, ...] = (
    (226, 220, 206),
    (210, 200, 176),
    (236, 234, 230),
    (196, 204, 206),
    (222, 196, 160),
    (202, 178, 168),
    (176, 186, 170),
)
_STONES: tuple[RGB, ...] = ((176, 170, 158), (150, 144, 134), (196, 186, 164), (134, 132, 130))
_DOORS: tuple[RGB, ...] = ((120, 26, 30), (24, 52, 86), (26, 70, 48), (40, 38, 40), (92, 60, 38), (170, 170, 166))
_BOARDS: tuple[RGB, ...] = (
    (24, 44, 92),
    (140, 24, 30),
    (22, 82, 58),
    (40, 38, 44),
    (206, 160, 40),
    (92, 40, 96),
    (214, 208, 196),
)
_FRAMES: tuple[RGB, ...] = ((234, 234, 230), (234, 234, 230), (60, 56, 56), (120, 124, 128))

TILES: tuple[RGB, ...] = ((84, 82, 88), (120, 74, 58), (98, 66, 54), (70, 74, 82), (142, 92, 70))
WOODS: tuple[RGB, ...] = ((126, 92, 62), (150, 118, 84), (98, 80, 64), (168, 160, 146), (86, 96, 84))
METALS: tuple[RGB, ...] = ((40, 44, 46), (112, 116, 118), (164, 168, 170), (28, 62, 48), (70, 82, 96))
RAILS: tuple[RGB, ...] = ((166, 170, 172), (60, 64, 66), (36, 66, 52), (196, 196, 190))
COLUMNS: tuple[RGB, ...] = ((96, 100, 102), (132, 136, 138), (52, 56, 58), (38, 60, 50), (168, 168, 160), (74, 70, 66))
LEAVES: tuple[RGB, ...] = (
    (104, 138, 60),
    (84, 122, 56),
    (122, 146, 66),
    (92, 126, 74),
    (142, 146, 58),
    (170, 130, 52),
    (74, 104, 58),
)
BARKS: tuple[RGB, ...] = ((92, 78, 64), (112, 102, 90), (70, 60, 54), (128, 122, 110))


def draw_style(kind: str, stream: Stream) -> FacadeStyle:
    """A façade for a kind of side: terrace, shops, suburb, modern."""
    modern = kind == "modern" or (kind == "shops" and stream.chance(0.2))
    family = stream.integer(0, 10)
    brick = family < 5 and not modern
    wall = stream.choice(_BRICKS) if brick else stream.choice(_RENDERS if family < 8 else _STONES)
    trim: RGB = (wall[0] * 0.88, wall[1] * 0.88, wall[2] * 0.88)
    if brick and stream.chance(0.6):
        trim = (226.0, 222.0, 212.0)
    tone = stream.uniform()
    if modern:
        form = stream.choice(("office", "grid"))
        storey, bay = stream.uniform(3.0, 3.8), stream.uniform(1.6, 3.2)
    else:
        form = "shop" if kind == "shops" or stream.chance(0.12) else "house"
        storey, bay = stream.uniform(2.8, 3.5), stream.uniform(2.0, 3.2)
    return FacadeStyle(
        kind=form,
        wall=wall,
        trim=trim,
        frame=stream.choice(_FRAMES),
        glass=(44 + 40 * tone, 54 + 46 * tone, 66 + 54 * tone),
        door=stream.choice(_DOORS),
        board=stream.choice(_BOARDS),
        lit=stream.uniform(0.2, 0.6),
        storey=storey,
        bay=bay,
        window=(stream.uniform(0.9, 1.3), stream.uniform(1.2, 1.7)),
        courses=brick,
    )
