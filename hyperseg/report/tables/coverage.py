"""Every claim of the paper, run or not, with ours beside it and a verdict."""

from collections.abc import Iterator
from typing import Any

from hyperseg.report.coverage import VERDICTS, number, rows
from hyperseg.report.inputs import Inputs
from hyperseg.report.part import Part
from hyperseg.report.tables.model import Cell, Column, Table

_COLUMNS = (
    Column("claim", "", shown=False),
    Column("table", "Table"),
    Column("row", "Row"),
    Column("quantity", "Quantity"),
    Column("paper", "Paper", numeric=True),
    Column("ours", "Ours [95 % interval]", numeric=True),
    Column("low", "", shown=False),
    Column("high", "", shown=False),
    Column("difference", "Difference", numeric=True),
    Column("tolerance", "Tolerance", numeric=True),
    Column("verdict", "Verdict"),
    Column("reason", "Why", detail=True),
    Column("how", "How to get it", detail=True),
    Column("needs", "", shown=False),
    Column("tolerance_reason", "", shown=False),
)


def coverage_table(inputs: Inputs) -> Table | None:
    """None where claims were not judged."""
    if inputs.claims is None or inputs.claims.empty:
        return None
    claims = rows(inputs.claims)
    return Table(
        id="coverage",
        title="Every claim of the paper",
        caption="What the paper states, what was measured here, and whether it holds within its tolerance. Claims "
        "that were not run are listed with the reason and the command.",
        columns=_COLUMNS,
        rows=tuple(map(_row, claims)),
        findings=("selection", "classes", "clock", "seed"),
        remarks=tuple(_remarks(claims)),
    )


def _remarks(claims: list[dict[str, Any]]) -> Iterator[str]:
    """Each tolerance with its reason, and which version of the claims was judged."""
    reasons: dict[str, list[str]] = {}
    for claim in claims:
        if claim.get("tolerance_reason"):
            quantities = reasons.setdefault(claim["tolerance_reason"].removesuffix("."), [])
            quantities += [claim["quantity"]] if claim["quantity"] not in quantities else []
    for reason, quantities in reasons.items():
        yield f"Tolerance ({', '.join(quantities)}): {reason}"
    if claims[0].get("set"):
        yield f"Claims and tolerances: results/paper/claims.yaml, {claims[0]['set']}; the CSV has each claim's needs"
    if claims[0].get("changed"):
        yield claims[0]["changed"].removesuffix(".")


def _row(claim: dict[str, Any]) -> dict[str, Cell]:
    shape, mark = VERDICTS[claim["verdict"]]
    ours = number(claim["ours"])
    if claim["low"] is not None and claim["high"] is not None:
        ours += f" [{number(claim['low'])}, {number(claim['high'])}]"
    records = tuple(claim.get("records") or ())
    tolerance = claim["tolerance"]
    return {
        "claim": Cell(claim["claim"]),
        "table": Cell(claim["table"]),
        "row": Cell(claim["row"]),
        "quantity": Cell(claim["quantity"]),
        "paper": Cell(claim["paper"], number(claim["paper"])),
        "ours": Cell(claim["ours"], ours, records, mark="muted" if claim["verdict"] == "other protocol" else ""),
        "low": Cell(claim["low"]),
        "high": Cell(claim["high"]),
        "difference": Cell(claim["difference"], "" if claim["difference"] is None else number(claim["difference"])),
        "tolerance": Cell(tolerance, "" if tolerance is None else f"±{number(tolerance)}"),
        "verdict": Cell(claim["verdict"], f"{shape} {claim['verdict']}", mark=mark),
        "reason": Cell(claim.get("reason")),
        "how": Cell(claim["how"], mark="code"),
        "needs": Cell(claim.get("needs")),
        "tolerance_reason": Cell(claim.get("tolerance_reason")),
    }


def _build(inputs: Inputs) -> list[Table]:
    table = coverage_table(inputs)
    return [table] if table else []


PART = Part("coverage", "Every claim of the paper", "coverage", _build)
