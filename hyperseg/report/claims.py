"""The paper's claims as data: ``results/paper/claims.yaml``, versioned, each with its tolerance."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from hyperseg.errors import UserError
from hyperseg.report.conditions import CLAIMS_FILE, Conditions
from hyperseg.report.facts import PaperRow, read_paper
from hyperseg.strict import StrictModel, first_problem
from hyperseg.yaml_file import read_yaml


class Tolerance(StrictModel):
    """How far a number may be from the paper's, and why; neither: an ordering, which holds or does not."""

    absolute: float | None = Field(default=None, gt=0)
    unit: str | None = None
    percent: float | None = Field(default=None, gt=0)
    reason: str

    def of(self, value: float) -> float | None:
        """In the unit of `value`, the paper's number."""
        return self.absolute if self.percent is None else abs(value) * self.percent / 100


class Takes(StrictModel):
    """What it takes to judge a claim."""

    data: str
    gpu: str
    hours: str
    command: str = Field(description="{variant} and {against} stand for the claim's networks")
    missing: str = Field(description="why the claim is open where nobody has run it")


class Claim(StrictModel):
    """One thing that the paper states.

    number: `measure` of `variant` is what paper.csv says. ratio: `variant` is so many times as fast as `against`.
    order: `variant` is above `against` in `measure`. front: no published rival on the paper's hardware is both faster
    and more accurate than `variant`.
    """

    id: str
    table: str
    row: str
    kind: Literal["number", "ratio", "order", "front"]
    measure: Literal["miou", "fps", "latency", "speed", "front"]
    variant: str
    against: str | None = None
    split: str | None = Field(default=None, description="where paper.csv has the variant on several")
    tolerance: str
    takes: str


class ClaimsFile(StrictModel):
    """``claims.yaml`` as it stands."""

    version: int = Field(ge=1)
    set: str = Field(description="date on which conditions and tolerances were fixed")
    changed: str | None = Field(default=None, description="what this version changed, and which verdicts with it")
    tolerances: dict[str, Tolerance]
    conditions: dict[str, Conditions]
    takes: dict[str, Takes]
    claims: list[Claim]


@dataclass(frozen=True)
class Claims:
    """The claims and the rows of the paper that they are about."""

    version: int
    set: str
    changed: str | None
    tolerances: dict[str, Tolerance]
    takes: dict[str, Takes]
    claims: tuple[Claim, ...]
    paper: tuple[PaperRow, ...]

    def row_of(self, variant: str, split: str | None) -> PaperRow:
        """The paper's row for a variant, on `split` where it is given."""
        return next(row for row in self.paper if row.variant == variant and split in (None, row.split))


def read_claims(paper_csv: Path) -> Claims:
    """The claims of ``claims.yaml`` beside the paper's numbers, such as ``results/paper/paper.csv``.

    Raises :class:`UserError` for what does not fit, and for a claim that names what is not there.
    """
    path = paper_csv.with_name(CLAIMS_FILE)
    try:
        content = ClaimsFile.model_validate(read_yaml(path, "claims"))
    except ValidationError as error:
        key, message = first_problem(error)
        raise UserError(f"claims {path} do not fit at '{key}': {message}") from error
    paper = read_paper(paper_csv)
    for claim in content.claims:
        _check(claim, content, paper, path)
    twice = [claim.id for claim in content.claims if sum(claim.id == other.id for other in content.claims) > 1]
    if twice:
        raise UserError(f"claims {path} hold the id '{twice[0]}' twice; rename one of them")
    return Claims(
        content.version, content.set, content.changed, content.tolerances, content.takes, tuple(content.claims), paper
    )


def _check(claim: Claim, content: ClaimsFile, paper: Sequence[PaperRow], path: Path) -> None:
    problem = None
    if claim.tolerance not in content.tolerances:
        problem = f"tolerance '{claim.tolerance}' is none of {', '.join(content.tolerances)}"
    elif claim.takes not in content.takes:
        problem = f"takes '{claim.takes}' is none of {', '.join(content.takes)}"
    elif claim.kind in ("ratio", "order") and claim.against is None:
        problem = f"a claim of kind {claim.kind} names the other network in 'against'"
    for variant in (claim.variant, claim.against):
        if variant and not any(r.variant == variant and claim.split in (None, r.split) for r in paper):
            problem = problem or f"paper.csv has no row for {variant}{f' on {claim.split}' if claim.split else ''}"
    if problem:
        raise UserError(f"claim '{claim.id}' in {path} does not fit: {problem}; correct it there")
