"""Textures of façades: bays of windows, doors, shop fronts, bands of glass, bare gables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hyperseg.streets import noise
from hyperseg.streets.classes import Kind
from hyperseg.streets.randomness import Stream
from hyperseg.streets.view import RGB
from hyperseg.streets.wall import SHADES, Texture, shaded

# Most texels per metre.
_FINEST = 26.0

_CLEAR, _WALL, _TRIM, _FRAME, _GLASS, _GLINT, _DARK, _DOOR, _BOARD, _LIT, _BASE, _AWNING = range(12)


@dataclass(frozen=True)
class FacadeStyle:
    """What a façade is made of. Metres; ``kind`` is one of house, shop, office, grid, blank."""

    kind: str
    wall: RGB
    trim: RGB
    frame: RGB
    glass: RGB
    door: RGB
    board: RGB
    lit: float
    storey: float
    bay: float
    window: tuple[float, float]
    courses: bool


class _Sheet:
    """A texture being drawn, in metres: x from the left, y from the ground."""

    def __init__(self, width: float, height: float, density: float) -> None:
        self.density = density
        self.rows = max(2, int(height * density + 0.5))
        self.columns = max(2, int(width * density + 0.5))
        self.materials: NDArray[np.uint8] = np.full((self.rows, self.columns), _WALL, dtype=np.uint8)

    def box(self, x: float, y: float, width: float, height: float, material: int) -> None:
        """Paint a rectangle whose lower left corner is (x, y)."""
        d = self.density
        bottom = self.rows - int(y * d + 0.5)
        top = self.rows - int((y + height) * d + 0.5)
        left, right = int(x * d + 0.5), int((x + width) * d + 0.5)
        self.materials[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = material


def facade_texture(
    style: FacadeStyle, width: float, height: float, density: float, stream: Stream, light_on: bool
) -> Texture:
    """A façade of the given size in metres, seen at ``density`` pixels per metre; ``light_on`` lights some windows."""
    density = min(max(density, 1.5), _FINEST)
    sheet = _Sheet(width, height, density)
    if style.kind in ("office", "grid"):
        _office(sheet, style, width, height, stream, light_on)
    elif style.kind in ("house", "shop"):
        _house(sheet, style, width, height, stream, light_on)
    texels = sheet.materials
    if style.courses and density >= 10.0:
        # Brick courses: every other row of texels a touch darker, on the wall alone.
        shade = np.where(np.arange(sheet.rows)[:, None] % 3 == 0, 2, 4).astype(np.int64)
    else:
        shade = np.full((sheet.rows, 1), 3, dtype=np.int64)
    row, column = stream.integer(0, noise.SIZE), stream.integer(0, noise.SIZE)
    i = (np.arange(sheet.rows) + row) & (noise.SIZE - 1)
    j = (np.arange(sheet.columns) + column) & (noise.SIZE - 1)
    speckle = noise.grain().take(i, axis=0).take(j, axis=1) >> 6
    texels = texels * np.uint8(SHADES) + (shade + speckle).astype(np.uint8)
    colours: list[RGB] = [
        (0.0, 0.0, 0.0),
        style.wall,
        style.trim,
        style.frame,
        style.glass,
        _mixed(style.glass, 0.55, 95.0),
        _mixed(style.glass, 0.45, 0.0),
        style.door,
        style.board,
        (235.0, 190.0, 110.0),
        _mixed(style.wall, 0.72, 0.0),
        _mixed(style.board, 0.6, 60.0),
    ]
    return Texture(texels, shaded(colours, 0.16 if style.courses else 0.08), int(Kind.BUILDING))


def _mixed(colour: RGB, share: float, light: float) -> RGB:
    """A colour scaled and lifted."""
    return share * colour[0] + light, share * colour[1] + light, share * colour[2] + light


def _pane(
    sheet: _Sheet, style: FacadeStyle, x: float, y: float, size: tuple[float, float], stream: Stream, light_on: bool
) -> None:
    """One window: surround, frame, glass with a reflection or a drawn curtain, bars, sill."""
    w, h = size
    sheet.box(x - 0.12, y - 0.12, w + 0.24, h + 0.3, _TRIM)
    sheet.box(x, y, w, h, _FRAME)
    lit = light_on and stream.chance(style.lit)
    sheet.box(x + 0.08, y + 0.08, w - 0.16, h - 0.16, _LIT if lit else _GLASS)
    if not lit:
        kind = stream.integer(0, 4)
        if kind == 0:
            sheet.box(x + 0.08, y + h * 0.5, w - 0.16, h * 0.5 - 0.08, _GLINT)
        elif kind == 1:
            sheet.box(x + 0.08, y + 0.08, w - 0.16, h * 0.6, _DARK)
        elif kind == 2:
            sheet.box(x + 0.08, y + 0.08, w * 0.25, h - 0.16, _GLINT)
    if sheet.density >= 8.0:
        sheet.box(x, y + h * 0.5 - 0.04, w, 0.08, _FRAME)
        sheet.box(x + w * 0.5 - 0.04, y, 0.08, h, _FRAME)
    sheet.box(x - 0.18, y - 0.16, w + 0.36, 0.14, _TRIM)


def _house(sheet: _Sheet, style: FacadeStyle, width: float, height: float, stream: Stream, light_on: bool) -> None:
    """Storeys of single windows over a ground floor of doors and windows or of a shop front."""
    bays = max(1, int(width / style.bay))
    bay = width / bays
    storeys = max(1, int(height / style.storey))
    w, h = min(style.window[0], bay - 0.5), style.window[1]
    for storey in range(storeys):
        floor = storey * style.storey
        if storey == 0 and style.kind == "shop":
            _shop_front(sheet, width, stream, light_on)
            continue
        door = stream.integer(0, bays) if storey == 0 else -1
        for k in range(bays):
            x = (k + 0.5) * bay - w * 0.5
            if k == door:
                sheet.box(x - 0.15, 0.0, 1.3, 2.5, _TRIM)
                sheet.box(x, 0.0, 1.0, 2.1, _DOOR)
                sheet.box(x, 2.1, 1.0, 0.3, _GLASS)
            else:
                _pane(sheet, style, x, floor + 0.95, (w, h), stream, light_on)
        if storey > 0 and stream.chance(0.2):
            sheet.box(0.0, floor - 0.05, width, 0.15, _TRIM)
    sheet.box(0.0, height - 0.35, width, 0.35, _TRIM)
    if style.kind == "house":
        sheet.box(0.0, 0.0, width, 0.0 if stream.chance(0.5) else 0.5, _BASE)
    # A rain pipe at the party wall.
    sheet.box(0.05, 0.0, 0.12, height, _DARK)


def _shop_front(sheet: _Sheet, width: float, stream: Stream, light_on: bool) -> None:
    """Large panes under a fascia board, perhaps with an awning."""
    sheet.box(0.0, 0.0, width, 3.3, _DOOR)
    lit = light_on or stream.chance(0.25)
    panes = max(1, int(width / 2.2))
    pitch = width / panes
    for k in range(panes):
        sheet.box(k * pitch + 0.12, 0.45, pitch - 0.24, 2.05, _LIT if lit else _DARK)
        if not lit:
            sheet.box(k * pitch + 0.12, 1.6, pitch * 0.6, 0.9, _GLASS)
        elif stream.chance(0.6):
            sheet.box(k * pitch + 0.4, 0.45, pitch * 0.5, 0.9, _DARK)
    entrance = stream.integer(0, panes)
    sheet.box(entrance * pitch + 0.3, 0.0, 1.0, 2.5, _GLASS)
    sheet.box(0.0, 2.6, width, 0.75, _BOARD)
    letters = stream.integer(4, 10)
    start = width * 0.5 - letters * 0.2
    for k in range(letters):
        if stream.chance(0.85):
            sheet.box(start + 0.4 * k, 2.8, 0.28, 0.36, _FRAME)
    if stream.chance(0.35):
        for k in range(int(width / 0.6)):
            sheet.box(0.6 * k, 2.1, 0.6, 0.55, _AWNING if k % 2 else _FRAME)


def _office(sheet: _Sheet, style: FacadeStyle, width: float, height: float, stream: Stream, light_on: bool) -> None:
    """Bands of glass from side to side, or a grid of large panes."""
    storeys = max(1, int(height / style.storey))
    bays = max(1, int(width / style.bay))
    bay = width / bays
    for storey in range(storeys):
        floor = storey * style.storey
        low, tall = (0.2, style.storey - 0.7) if storey == 0 else (0.9, style.storey - 1.5)
        if style.kind == "office":
            sheet.box(0.0, floor + low, width, tall, _GLASS)
        for k in range(bays):
            x, pane = k * bay, bay - 0.16
            if style.kind == "grid":
                x, pane = x + 0.3, bay - 0.6
            draw = stream.integer(0, 8)
            material = _LIT if light_on and draw < 3 else (_GLINT if draw < 2 else _DARK if draw < 4 else _GLASS)
            sheet.box(x + 0.08, floor + low, pane, tall, material)
            if style.kind == "office":
                sheet.box(x, floor + low, 0.1, tall, _FRAME)
    sheet.box(0.0, height - 0.5, width, 0.5, _TRIM)
