"""Cars, vans, lorries and buses as solids: a body and a cabin of flat faces, seen from any side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from hyperseg.streets.classes import Kind
from hyperseg.streets.solids import Point3, TurnedSolid
from hyperseg.streets.vehicle_shapes import SHAPES, VehicleShape
from hyperseg.streets.view import NEAR, RGB, View

# Twelve points of the unit circle.
_CIRCLE = (
    (1.0, 0.0), (0.8660254, 0.5), (0.5, 0.8660254), (0.0, 1.0), (-0.5, 0.8660254), (-0.8660254, 0.5),
    (-1.0, 0.0), (-0.8660254, -0.5), (-0.5, -0.8660254), (0.0, -1.0), (0.5, -0.8660254), (0.8660254, -0.5),
)  # fmt: skip

_RUBBER: RGB = (28, 28, 30)
_HUB: RGB = (132, 134, 138)
_PLASTIC: RGB = (44, 45, 48)


@dataclass(frozen=True)
class Vehicle:
    """A vehicle with its middle on the ground at (x, z); (cos, sin) is its heading, (1, 0) being straight ahead."""

    x: float
    z: float
    heading: tuple[float, float]
    kind: str
    colour: RGB
    plate: RGB
    lights_on: bool
    brakes: bool

    @property
    def depth(self) -> float:
        return self.z

    @cached_property
    def shape(self) -> VehicleShape:
        """The vehicle's measures."""
        return SHAPES[self.kind]

    def draw_shadow(self, view: View) -> None:
        """Darken the ground under the vehicle and a little beside it, on the side away from the sun."""
        s = self.shape
        if self.z < 0.5 * s.length + NEAR:
            return
        shift = -0.5 * view.light.sun[0] * view.light.strength
        w, h = 0.5 * s.width + 0.12, 0.5 * s.length + 0.1
        corners = ((-w, -h), (w, -h), (w, h), (-w, h))
        points = [view.camera.point(*self._ground(a, b, shift)) for a, b in corners]
        view.canvas.darken_polygon(points)
        points = [view.camera.point(*self._ground(0.85 * a, 0.95 * b, 0.4 * shift)) for a, b in corners]
        view.canvas.darken_polygon(points)

    def _ground(self, across: float, along: float, shift: float) -> tuple[float, float, float]:
        c, s = self.heading
        return self.x + across * c + along * s + shift, 0.0, max(self.z - across * s + along * c, NEAR)

    def draw(self, view: View) -> None:
        """Paint the faces that can be seen, body first, then the cabin on top of it."""
        s = self.shape
        if self.z < 0.5 * s.length + NEAR:
            return
        painter = _Painter(self, view)
        half = 0.5 * s.length
        if view.camera.column(self.x - half, self.z - 0.4 * s.length) > view.canvas.width or (
            view.camera.column(self.x + half, self.z - 0.4 * s.length) < 0
        ):
            return
        w = 0.5 * s.width
        painter.tyres()
        for side in (-1, 1):
            painter.side_body(side)
        painter.end_body(-half, s.tail, rear=True)
        painter.end_body(half, s.nose, rear=False)
        if s.cabin[1] < half - 0.05:
            top = [
                (-w, s.belt, s.cabin[1]),
                (w, s.belt, s.cabin[1]),
                (w * 0.96, s.nose, half),
                (-w * 0.96, s.nose, half),
            ]
            painter.face(top, (0.0, 0.97, 0.24), self.colour)
        if s.cabin[0] > -half + 0.05:
            top = [
                (-w * 0.96, s.tail, -half),
                (w * 0.96, s.tail, -half),
                (w, s.belt, s.cabin[0]),
                (-w, s.belt, s.cabin[0]),
            ]
            painter.face(top, (0.0, 1.0, 0.0), self.colour)
        painter.cabin()


class _Painter(TurnedSolid):
    """One vehicle being painted."""

    def __init__(self, vehicle: Vehicle, view: View) -> None:
        super().__init__(vehicle.x, vehicle.z, vehicle.heading, Kind.CAR, view)
        self.vehicle = vehicle
        self.shape = vehicle.shape
        self.glass: RGB = (40.0, 46.0, 54.0)
        #: Pixels per metre: what is smaller than a pixel is left out.
        self.scale = view.camera.focal / vehicle.z

    def tyres(self) -> None:
        """The treads, seen below the body from the front or from behind."""
        s = self.shape
        word = self.view.light.word(_RUBBER, Kind.CAR, self.vehicle.z, 0.8)
        for axle in s.axles:
            for side in (-1, 1):
                a, b = side * 0.5 * s.width, side * (0.5 * s.width - 0.24)
                low, high = min(a, b), max(a, b)
                for along in (axle - 0.6 * s.wheel, axle + 0.6 * s.wheel):
                    quad = [
                        (low, 0.0, along),
                        (high, 0.0, along),
                        (high, s.wheel * 1.6, along),
                        (low, s.wheel * 1.6, along),
                    ]
                    self.view.canvas.fill_polygon(self.project(quad), word)

    def side_body(self, side: int) -> None:
        """The flank below the windows, with its wheels."""
        s, colour = self.shape, self.vehicle.colour
        half, w = 0.5 * s.length, side * 0.5 * s.width
        normal = (float(side), 0.0, 0.0)
        low = 0.62 * s.wheel
        outline = [
            (w, low + 0.12, -half), (w, low, -half + 0.15), (w, low, half - 0.15), (w, low + 0.12, half),
            (w, s.nose, half), (w, s.belt, s.cabin[1]), (w, s.belt, s.cabin[0]), (w, s.tail, -half),
        ]  # fmt: skip
        if not self.face(outline, normal, colour):
            return
        if self.scale > 6.0:
            sill = [
                (w, low, -half + 0.15),
                (w, low, half - 0.15),
                (w, low + 0.14, half - 0.1),
                (w, low + 0.14, -half + 0.1),
            ]
            self.face(sill, normal, _PLASTIC)
            crease = s.belt - 0.1
            line = [
                (w, crease, -half + 0.1),
                (w, crease, half - 0.1),
                (w, crease + 0.1, half - 0.4),
                (w, s.belt, -half + 0.2),
            ]
            self.face(line, normal, colour, 1.14)
        for axle in s.axles:
            for radius, tone in (
                (s.wheel * 1.16, _PLASTIC),
                (s.wheel, _RUBBER),
                (s.wheel * 0.6, _HUB),
                (s.wheel * 0.2, _RUBBER),
            ):
                if radius * self.scale < 1.2 and tone is not _RUBBER:
                    continue
                points = [(w, s.wheel + radius * y, axle + radius * x) for x, y in _CIRCLE]
                self.view.canvas.fill_polygon(self.project(points), self.word(tone, normal))
        if self.scale > 16.0:
            for seam in ((s.cabin[0] + s.cabin[1]) * 0.5, s.cabin[1] - 0.15):
                quad = [
                    (w, low + 0.15, seam),
                    (w, low + 0.15, seam + 0.03),
                    (w, s.belt, seam + 0.03),
                    (w, s.belt, seam),
                ]
                self.face(quad, normal, colour, 0.6)

    def end_body(self, along: float, top: float, rear: bool) -> None:
        """The tail or the nose: panel, bumper, lamps, number plate, grille."""
        s, colour = self.shape, self.vehicle.colour
        w = 0.5 * s.width * 0.96
        normal = (0.0, 0.0, -1.0 if rear else 1.0)
        low = 0.62 * s.wheel + 0.08
        high = top - low

        def part(left: float, bottom: float, right: float, upper: float, tone: RGB, gain: float = 1.0) -> None:
            """A rectangle in shares of the half width and of the panel's height."""
            a, b, c, d = left * w, right * w, low + bottom * high, low + upper * high
            self.face([(a, c, along), (b, c, along), (b, d, along), (a, d, along)], normal, tone, gain)

        if not self.seen(normal, (0.0, low, along)):
            return
        outline = [
            (-w * 0.94, low, along), (w * 0.94, low, along), (w, low + 0.15, along), (w, top - 0.08, along),
            (w * 0.93, top, along), (-w * 0.93, top, along), (-w, top - 0.08, along), (-w, low + 0.15, along),
        ]  # fmt: skip
        self.face(outline, normal, colour)
        part(-0.98, 0.0, 0.98, 0.3, _PLASTIC if self.vehicle.kind in ("van", "lorry", "bus") else colour, 0.82)
        part(-0.95, 0.0, 0.95, 0.1, _PLASTIC)
        lamp = (214.0, 30.0, 26.0) if rear else (226.0, 228.0, 224.0)
        if rear:
            lamp = (250.0, 44.0, 32.0) if self.vehicle.brakes or self.vehicle.lights_on else (176.0, 26.0, 24.0)
        for side in (-1, 1):
            left, right = sorted((side * 0.97, side * (0.72 if rear else 0.6)))
            a, b = left * w, right * w
            c, d = low + 0.55 * high, low + (0.95 if rear else 0.85) * high
            quad = [(a, c, along), (b, c, along), (b, d, along), (a, d, along)]
            if self.vehicle.lights_on or (rear and self.vehicle.brakes):
                glow = (255.0, 250.0, 225.0) if not rear else lamp
                self.view.canvas.fill_polygon(self.project(quad), self.view.light.glow(glow, Kind.CAR, self.vehicle.z))
            else:
                self.face(quad, normal, lamp)
        if not rear:
            part(-0.5, 0.5, 0.5, 0.8, _PLASTIC, 0.9)
        if self.scale > 8.0:
            plate = self.vehicle.plate if rear else (232.0, 232.0, 226.0)
            part(-0.28, 0.33, 0.28, 0.5, plate)

    def cabin(self) -> None:
        """The glass-house: sides, ends, roof, each with its panes."""
        s, colour = self.shape, self.vehicle.colour
        wb, wr = 0.5 * s.width, 0.5 * s.width - s.taper
        b0, b1, r0, r1, low, high = *s.cabin, *s.roof, s.belt, s.roof_height
        lean = s.taper / (high - low)
        for side in (-1, 1):
            normal = (float(side), 0.5 * lean, 0.0)
            quad = [(side * wb, low, b0), (side * wb, low, b1), (side * wr, high, r1), (side * wr, high, r0)]
            if self.face(quad, normal, colour, 0.95):
                for start, end in s.panes:
                    self._pane(quad, normal, start, 0.06, end, 0.86)
        for rear, bottom, top in ((True, b0, r0), (False, b1, r1)):
            slope = (b1 - r1) if not rear else (r0 - b0)
            normal = (0.0, 0.6 * slope / (high - low), -1.0 if rear else 1.0)
            quad = [(-wb, low, bottom), (wb, low, bottom), (wr, high, top), (-wr, high, top)]
            if self.face(quad, normal, colour, 0.95) and (s.rear_glass or not rear):
                floor = 0.45 if self.vehicle.kind == "lorry" else 0.04
                self._pane(quad, normal, 0.07, 0.16 if rear else floor, 0.93, 0.9)
        roof = [(-wr, high, r0), (wr, high, r0), (wr, high, r1), (-wr, high, r1)]
        self.face(roof, (0.0, 1.0, 0.0), colour)

    def _pane(
        self, quad: Sequence[Point3], normal: Point3, left: float, bottom: float, right: float, top: float
    ) -> None:
        """Glass within a face, its corners as shares of the face; the upper part mirrors the sky."""

        def at(u: float, v: float) -> Point3:
            low = [quad[0][k] + (quad[1][k] - quad[0][k]) * u for k in range(3)]
            high = [quad[3][k] + (quad[2][k] - quad[3][k]) * u for k in range(3)]
            return (
                low[0] + (high[0] - low[0]) * v,
                low[1] + (high[1] - low[1]) * v,
                low[2] + (high[2] - low[2]) * v,
            )

        self.face([at(left, bottom), at(right, bottom), at(right, top), at(left, top)], normal, self.glass)
        if self.scale > 8.0:
            haze = self.view.light.haze
            sheen = (60.0 + 0.25 * haze[0], 66.0 + 0.25 * haze[1], 74.0 + 0.25 * haze[2])
            middle = 0.45 * bottom + 0.55 * top
            points = [
                at(left, top - 0.02),
                at(left, middle),
                at(right, 0.6 * middle + 0.4 * top),
                at(right, top - 0.02),
            ]
            self.face(points, normal, sheen)
