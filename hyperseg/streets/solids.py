"""Solids of flat faces that stand on the ground and are turned about the vertical axis."""

from __future__ import annotations

from collections.abc import Sequence

from hyperseg.streets.canvas import Point
from hyperseg.streets.classes import Kind
from hyperseg.streets.view import NEAR, RGB, View

#: A point in a solid's own coordinates: across, up, along, in metres from its middle on the ground.
Point3 = tuple[float, float, float]


class TurnedSolid:
    """A solid being painted at (x, z): turns its own coordinates into polygons. `heading` is (cos, sin)."""

    def __init__(self, x: float, z: float, heading: tuple[float, float], kind: Kind, view: View) -> None:
        self.x, self.z, self.heading, self.kind, self.view = x, z, heading, kind, view

    def project(self, points: Sequence[Point3]) -> list[Point]:
        """Image points of points in the solid's coordinates."""
        c, s = self.heading
        x, z = self.x, self.z
        camera = self.view.camera
        return [camera.point(x + a * c + b * s, y, max(z - a * s + b * c, NEAR)) for a, y, b in points]

    def seen(self, normal: Point3, at: Point3) -> bool:
        """Whether a face with this outward normal through this point is turned towards the camera."""
        c, s = self.heading
        x = self.x + at[0] * c + at[2] * s
        z = self.z - at[0] * s + at[2] * c
        nx, nz = normal[0] * c + normal[2] * s, -normal[0] * s + normal[2] * c
        return nx * x + normal[1] * (at[1] - self.view.camera.eye) + nz * z < 0.0

    def word(self, colour: RGB, normal: Point3, gain: float = 1.0) -> int:
        """The canvas word of a colour on a face."""
        c, s = self.heading
        nx, nz = normal[0] * c + normal[2] * s, -normal[0] * s + normal[2] * c
        return self.view.light.word(colour, self.kind, self.z, gain * self.view.light.facing(nx, normal[1], nz))

    def face(self, points: Sequence[Point3], normal: Point3, colour: RGB, gain: float = 1.0) -> bool:
        """Paint a face if it is seen; says whether it was."""
        if not self.seen(normal, points[0]):
            return False
        self.view.canvas.fill_polygon(self.project(points), self.word(colour, normal, gain))
        return True
