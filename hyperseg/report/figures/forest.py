"""Forest plot of the claims: the difference to the paper in tolerances, with its interval."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import blended_transform_factory

from hyperseg.report.coverage import number, rows
from hyperseg.report.figures.style import COLOURS, FAINT, INK, Picture, house_style, new_figure, picture
from hyperseg.report.inputs import Inputs
from hyperseg.report.part import Part

_REACH = 3.0  # tolerances on each side; what lies farther out sits on the edge as an arrow
_MARKERS = {
    "reproduced": ("o", COLOURS[2], COLOURS[2]),
    "within noise": ("o", COLOURS[2], "none"),
    "better": ("^", COLOURS[0], COLOURS[0]),
    "not reproduced": ("X", COLOURS[1], COLOURS[1]),
    "other protocol": ("^", FAINT, "none"),
}


def forest_figure(inputs: Inputs) -> Picture | None:
    """None where no claim has a difference and a tolerance. Claims that were not measured keep their line."""
    claims = [] if inputs.claims is None else rows(inputs.claims)
    drawn = [claim for claim in claims if claim["paper"] is not None]
    if not any(_position(claim) is not None for claim in drawn):
        return None
    with house_style():
        return picture(
            "forest",
            "Difference to the paper, in tolerances",
            "One line per claim: (ours − paper) over the tolerance, with its interval. Within the grey band the claim "
            "holds. Claims without a point were not measured under the paper's conditions; the table says why.",
            _draw(drawn),
        )


def _position(claim: dict[str, Any]) -> float | None:
    if claim["difference"] is None or not claim["tolerance"]:
        return None
    return float(claim["difference"]) / float(claim["tolerance"])


def _draw(claims: Sequence[dict[str, Any]]) -> Figure:
    figure = new_figure(7.6, 0.2 * len(claims) + 0.7)
    axes = figure.subplots()
    axes.axvspan(-1, 1, color=FAINT, alpha=0.22, lw=0)
    axes.axvline(0, color=INK, lw=0.8)
    right = blended_transform_factory(axes.transAxes, axes.transData)
    for line, claim in enumerate(claims):
        x = _position(claim)
        if line and claim["table"] != claims[line - 1]["table"]:
            axes.axhline(line - 0.5, color=FAINT, lw=0.5)
        if x is not None:
            _point(axes, claim, x, line)
        values = number(claim["paper"])
        if claim["ours"] is not None:
            values += f" → {number(claim['ours'])}"
        axes.text(1.02, line, f"{values}   {claim['verdict']}", transform=right, va="center", fontsize=7.5)
    axes.set_yticks(range(len(claims)), [f"{c['table']}, {c['row']}, {c['quantity']}" for c in claims], fontsize=7.5)
    axes.set_ylim(len(claims) - 0.4, -0.6)
    axes.set_xlim(-_REACH, _REACH)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("(ours − paper) / tolerance")
    return figure


def _point(axes: Axes, claim: dict[str, Any], x: float, line: int) -> None:
    marker, edge, face = _MARKERS.get(claim["verdict"], ("o", FAINT, "none"))
    if claim["low"] is not None and claim["high"] is not None and claim["ours"] is not None:
        scale = abs(x / float(claim["difference"])) if claim["difference"] else 1 / float(claim["tolerance"])
        ends = [x + (float(claim[end]) - float(claim["ours"])) * scale for end in ("low", "high")]
        axes.plot([max(-_REACH, min(_REACH, end)) for end in ends], [line, line], color=edge, lw=1.2)
    if abs(x) > _REACH:
        marker, x = (">" if x > 0 else "<"), _REACH * (0.985 if x > 0 else -0.985)
    axes.plot(x, line, marker=marker, color=edge, mfc=face, ls="none", ms=6, mew=1.2, zorder=3)


def _build(inputs: Inputs) -> list[Picture]:
    drawn = forest_figure(inputs)
    return [drawn] if drawn else []


PART = Part("forest", "Forest plot of the claims", "coverage", _build)
