"""Measures of the vehicles."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class VehicleShape:
    """The side view of a vehicle in metres: lengths run from the middle, forwards positive.

    ``belt``, ``nose``, ``tail`` and ``roof_height`` are heights; ``cabin`` and ``roof`` the ends (rear, front) of the
    glass-house at the belt line and at the roof; ``panes`` the side windows as shares of the glass-house's length;
    ``taper`` by how much the roof is narrower than the body on each side; ``wheel`` the radius, ``axles`` their places.
    """

    length: float
    width: float
    belt: float
    nose: float
    tail: float
    roof_height: float
    cabin: tuple[float, float]
    roof: tuple[float, float]
    panes: tuple[tuple[float, float], ...]
    taper: float
    wheel: float
    axles: tuple[float, float]
    rear_glass: bool = True


SHAPES: dict[str, VehicleShape] = {
    "hatchback": VehicleShape(
        length=3.9,
        width=1.74,
        belt=0.94,
        nose=0.80,
        tail=0.92,
        roof_height=1.48,
        cabin=(-1.88, 0.85),
        roof=(-1.5, 0.05),
        panes=((0.1, 0.46), (0.5, 0.9)),
        taper=0.2,
        wheel=0.31,
        axles=(-1.2, 1.22),
    ),
    "saloon": VehicleShape(
        length=4.5,
        width=1.78,
        belt=0.94,
        nose=0.78,
        tail=0.92,
        roof_height=1.43,
        cabin=(-1.6, 0.9),
        roof=(-0.95, 0.15),
        panes=((0.16, 0.48), (0.52, 0.88)),
        taper=0.22,
        wheel=0.32,
        axles=(-1.35, 1.38),
    ),
    "estate": VehicleShape(
        length=4.6,
        width=1.8,
        belt=0.96,
        nose=0.80,
        tail=0.95,
        roof_height=1.5,
        cabin=(-2.25, 0.85),
        roof=(-1.95, 0.1),
        panes=((0.06, 0.32), (0.35, 0.62), (0.65, 0.93)),
        taper=0.19,
        wheel=0.32,
        axles=(-1.35, 1.4),
    ),
    "offroad": VehicleShape(
        length=4.5,
        width=1.88,
        belt=1.1,
        nose=1.02,
        tail=1.08,
        roof_height=1.78,
        cabin=(-2.2, 0.95),
        roof=(-2.05, 0.4),
        panes=((0.06, 0.34), (0.37, 0.66), (0.69, 0.94)),
        taper=0.16,
        wheel=0.38,
        axles=(-1.35, 1.4),
    ),
    "van": VehicleShape(
        length=4.9,
        width=1.95,
        belt=1.25,
        nose=1.0,
        tail=1.25,
        roof_height=2.2,
        cabin=(-2.42, 1.75),
        roof=(-2.4, 0.95),
        panes=((0.7, 0.92),),
        taper=0.1,
        wheel=0.34,
        axles=(-1.5, 1.55),
        rear_glass=False,
    ),
    "lorry": VehicleShape(
        length=7.4,
        width=2.4,
        belt=1.2,
        nose=1.15,
        tail=1.2,
        roof_height=3.2,
        cabin=(-3.65, 3.6),
        roof=(-3.65, 3.4),
        panes=((0.85, 0.97),),
        taper=0.03,
        wheel=0.46,
        axles=(-2.3, 2.5),
        rear_glass=False,
    ),
    "bus": VehicleShape(
        length=10.5,
        width=2.5,
        belt=1.15,
        nose=1.1,
        tail=1.15,
        roof_height=3.0,
        cabin=(-5.2, 5.2),
        roof=(-5.15, 5.05),
        panes=((0.02, 0.17), (0.19, 0.34), (0.36, 0.51), (0.53, 0.68), (0.7, 0.84), (0.86, 0.98)),
        taper=0.06,
        wheel=0.48,
        axles=(-3.2, 3.3),
    ),
}
