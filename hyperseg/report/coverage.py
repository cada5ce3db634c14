"""How the page shows the verdicts on the paper's claims: words, shapes, order and what stands first.

A verdict frame has one row per claim and the columns :data:`COLUMNS`; `unit`, `reason` and `records` (anchors of the
records a number comes from) may be there too. Every claim is a row, run or not.
"""

from typing import Any

import pandas as pd

from hyperseg.report.names import listed
from hyperseg.report.tables.model import Mark

COLUMNS = (
    "claim", "table", "row", "quantity", "paper", "ours", "low", "high", "difference", "tolerance", "verdict", "how",
)  # fmt: skip
# verdict -> the shape before its word, and its mark; in the order of counting
VERDICTS: dict[str, tuple[str, Mark]] = {
    "reproduced": ("●", "reproduced"),
    "within noise": ("◐", "within"),
    "better": ("▲", "better"),
    "not reproduced": ("✕", "failed"),
    "other protocol": ("△", "other"),
    "not measurable here": ("○", "unmeasured"),
}
HOLDS = ("reproduced", "within noise", "better")


def counts(claims: pd.DataFrame) -> dict[str, int]:
    """How many claims have each verdict, verdicts without one left out."""
    found = claims["verdict"].value_counts()
    return {verdict: int(found[verdict]) for verdict in VERDICTS if verdict in found}


def lead(claims: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """How many hold, which hold and which do not, and why the others were not judged: sentences and their items."""
    parts = [f"{number} {verdict}" for verdict, number in counts(claims).items()]
    said: list[tuple[str, list[str]]] = [(f"Of {len(claims)} claims of the paper: {listed(parts)}.", [])]
    verdict = claims["verdict"]
    if not verdict.isin((*HOLDS, "not reproduced")).any():
        said.append(("No number of the paper has been measured under its own conditions yet.", []))
    said += [
        (text, _named(claims[chosen]))
        for text, chosen in (("Holds:", verdict.isin(HOLDS)), ("Does not hold:", verdict == "not reproduced"))
        if chosen.any()
    ]
    unjudged = claims[verdict.isin(("not measurable here", "other protocol"))]
    reasons = unjudged.get("reason", pd.Series(dtype=str)).dropna().value_counts()
    if len(reasons):
        items = [f"{reason} ({number})" for reason, number in reasons.items()]
        said.append(("Most frequent reasons for no verdict:", items[:3]))
    return said


def _named(claims: pd.DataFrame) -> list[str]:
    texts = []
    for row in rows(claims):
        values = "" if row["paper"] is None else f" (paper {number(row['paper'])}, here {number(row['ours'])})"
        # where it was measured, or what denies it
        why = f": {row['reason'].split(';')[0]}" if row.get("reason") else ""
        texts.append(f"{row['table']}, {row['row']}, {row['quantity']}{values}{why}")
    return texts[:4] + ([f"and {len(texts) - 4} more"] if len(texts) > 4 else [])


def rows(claims: pd.DataFrame) -> list[dict[str, Any]]:
    """The claims as plain dictionaries; what is missing is None."""
    return [{str(key): _plain(value) for key, value in row.items()} for row in claims.to_dict("records")]


def _plain(value: Any) -> Any:
    return value if isinstance(value, list | tuple) or not pd.isna(value) else None


def number(value: Any) -> str:
    """A value as a reader wants it: at most four significant digits."""
    if value is None:
        return "–"
    return value if isinstance(value, str) else f"{float(value):.4g}".replace("-", "−")
