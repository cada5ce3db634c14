"""The verdict on every claim of the paper, from a frame of records and published facts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from hyperseg.report.claims import Claim, Claims, read_claims
from hyperseg.report.claims_ours import USED, Measured, OurNumbers
from hyperseg.report.claims_speed import places, speed_ratios
from hyperseg.report.collection import Collection
from hyperseg.report.conditions import CLAIMS_FILE
from hyperseg.report.facts import PeerRow
from hyperseg.report.names import network_title
from hyperseg.report.rivals import PAPER_HARDWARE, VOID_COUNTED, hardware, scored_rivals

_TITLES = {"miou": "mIoU", "fps": "FPS", "latency": "latency", "speed": "speed ratio", "front": "on the Pareto front"}
_UNITS = {"miou": "%", "fps": "images/s", "latency": "ms", "speed": "ratio"}


@dataclass(frozen=True)
class Judged:
    verdict: str
    ours: Measured | None = None
    reason: str | None = None
    difference: float | None = None


def judge(claims: Claims, frame: pd.DataFrame, peers: Sequence[PeerRow] = ()) -> pd.DataFrame:
    """One row per claim, run or not, in the order of ``claims.yaml``.

    `frame` is what :func:`hyperseg.read_records` gives, `peers` are published rivals. The columns are

    ``claim``, ``table``, ``row``, ``quantity``, ``unit``  what is claimed
    ``paper``, ``ours``, ``low``, ``high``, ``seeds``  the numbers; ours is the mean over seeds, with a 95 % interval
    ``difference`` (ours - paper), ``tolerance``  both in the unit; no difference where the protocols differ
    ``verdict``  reproduced, within noise, better, not reproduced, other protocol, not measurable here
    ``reason``  why it is no plain verdict; ``how``  the command; ``needs``  data, GPU and hours
    ``tolerance_reason``; ``set``  version and date of the claims
    ``records``  names of the records that ours comes from
    """
    judging = _Judging(claims, frame, tuple(peers))
    return pd.DataFrame([judging.row(claim) for claim in claims.claims])


def judge_collection(paper_csv: Path, collection: Collection, peers: Sequence[PeerRow] = ()) -> pd.DataFrame | None:
    """The verdicts on a report's records, which are named by their anchors; None where no claims lie beside the paper.

    Raises :class:`UserError` for claims that cannot be read.
    """
    if not paper_csv.with_name(CLAIMS_FILE).exists():
        return None
    return judge(read_claims(paper_csv), collection.frame(USED), peers)


class _Judging:
    def __init__(self, claims: Claims, frame: pd.DataFrame, peers: Sequence[PeerRow]) -> None:
        self.claims, self.peers, self.ours = claims, peers, OurNumbers(claims, frame)

    def row(self, claim: Claim) -> dict[str, Any]:
        paper = self._paper(claim)
        tolerance = self.claims.tolerances[claim.tolerance]
        takes = self.claims.takes[claim.takes]
        allowed = tolerance.of(paper) if paper is not None else None
        found = self._judged(claim, paper, allowed)
        ours = found.ours
        open_ = found.verdict == "not measurable here"
        return {
            "claim": claim.id,
            "table": claim.table,
            "row": claim.row,
            "quantity": _quantity(claim),
            "unit": _UNITS.get(claim.measure, ""),
            "paper": paper,
            "ours": ours.value if ours else None,
            "low": ours.low if ours else None,
            "high": ours.high if ours else None,
            "seeds": ours.seeds if ours else None,
            "difference": found.difference,
            "tolerance": allowed,
            "verdict": found.verdict,
            "reason": found.reason or (takes.missing if open_ else None),
            "how": takes.command.format(variant=claim.variant, against=claim.against),
            "needs": f"data: {takes.data}; GPU: {takes.gpu}; hours: {takes.hours}",
            "tolerance_reason": tolerance.reason,
            "set": f"version {self.claims.version}, {self.claims.set}",
            "changed": self.claims.changed,
            "records": list(ours.records) if ours else [],
        }

    def _paper(self, claim: Claim) -> float | None:
        row = self.claims.row_of(claim.variant, claim.split)
        if claim.kind == "number":
            return {"miou": row.miou_percent, "fps": row.fps, "latency": row.latency_ms}[claim.measure]
        if claim.kind == "ratio" and claim.against:
            other = self.claims.row_of(claim.against, claim.split)
            return row.fps / other.fps if row.fps and other.fps else None
        return None

    def _judged(self, claim: Claim, paper: float | None, allowed: float | None) -> Judged:
        if claim.kind == "front":
            return self._front(claim)
        if claim.measure == "speed":
            return self._speed(claim, paper, allowed)
        if claim.kind == "order":
            return self._order(claim)
        assert paper is not None
        ours = self.ours.of(claim.variant, claim.split, claim.measure)
        if ours is None:
            return Judged("not measurable here")
        if ours.reasons:
            return Judged("other protocol", ours, "; ".join(ours.reasons))
        assert allowed is not None
        rising = claim.measure != "latency"  # a shorter time is better
        return Judged(_verdict(ours, paper, allowed, rising=rising), ours, difference=ours.value - paper)

    def _speed(self, claim: Claim, paper: float | None, allowed: float | None) -> Judged:
        assert claim.against is not None
        rows = [self.claims.row_of(variant, claim.split) for variant in (claim.variant, claim.against)]
        found = speed_ratios(self.ours.timings(claim.variant, claim.against), rows[0], rows[1])
        if not found:
            return Judged("not measurable here")
        first = found[0]
        ours = Measured(first.value, first.low, first.high, 1, first.records)
        said = places(found)
        if claim.kind == "order":
            return Judged(_ordered(first.value - 1, _shifted(first.low), _shifted(first.high)), ours, said)
        assert paper is not None
        assert allowed is not None
        verdict = _verdict(ours, paper, allowed, rising=None)
        return Judged(verdict, ours, said, difference=ours.value - paper)

    def _order(self, claim: Claim) -> Judged:
        assert claim.against is not None
        pair = [self.ours.of(variant, claim.split, claim.measure) for variant in (claim.variant, claim.against)]
        if any(one is not None and one.reasons for one in pair):
            pair = self.ours.side_by_side(claim, claim.against) or pair
        above, below = pair
        if above is None or below is None:
            return Judged("not measurable here")
        records = above.records + below.records
        difference = above.value - below.value
        ours = Measured(difference, None, None, min(above.seeds, below.seeds), records)
        reasons = dict.fromkeys(above.reasons + below.reasons)
        if reasons:
            return Judged("other protocol", ours, "; ".join(reasons))
        half = math.hypot(*(_half(one) for one in pair if one is not None))
        ours = replace(ours, low=difference - half, high=difference + half)
        return Judged(_ordered(difference, ours.low, ours.high), ours)

    def _front(self, claim: Claim) -> Judged:
        row = self.claims.row_of(claim.variant, claim.split)
        rivals = [
            peer for peer in scored_rivals(self.peers)
            if (peer.dataset, peer.split) == (row.dataset, row.split) and hardware(peer) == PAPER_HARDWARE
            and peer.milliseconds is not None
        ]  # fmt: skip
        if not rivals:
            return Judged("not measurable here")
        miou, fps, ours = row.miou_percent, row.fps, None
        measured = [self.ours.of(claim.variant, claim.split, measure) for measure in ("miou", "fps")]
        if all(one is not None and not one.reasons for one in measured):
            accuracy, speed = (one for one in measured if one is not None)
            miou, fps, ours = accuracy.value, speed.value, accuracy
        if fps is None:
            return Judged("not measurable here", reason="the paper states no frame rate")
        whose = "measured here" if ours else "as the paper states them"
        ahead = [
            f"{peer.method} ({peer.miou_percent:.1f} %, {1000 / peer.milliseconds:.1f} FPS)" for peer in rivals
            if peer.miou_percent is not None and peer.milliseconds
            and peer.miou_percent >= miou and 1000 / peer.milliseconds >= fps
        ]  # fmt: skip
        stands = f"{network_title(claim.variant)} ({miou:.1f} %, {fps:.1f} FPS, {whose})"
        records = tuple(name for one in measured if one and ours for name in one.records)
        shown = replace(ours, records=records) if ours else None
        if ahead:
            return Judged("not reproduced", shown, f"{stands} is dominated by {', '.join(ahead)}")
        said = f"none of {len(rivals)} rivals dominates {stands}"
        if row.conditions.void == "class":
            return Judged("other protocol", shown, f"{said}; {VOID_COUNTED}")
        return Judged("reproduced", shown, said)


def _quantity(claim: Claim) -> str:
    title = _TITLES[claim.measure]
    if claim.kind == "order" and claim.against:
        more = "faster" if claim.measure == "speed" else f"higher {title}"
        return f"{more} than {network_title(claim.against).split(' (')[0]}"
    return title


def _verdict(ours: Measured, paper: float, allowed: float, *, rising: bool | None) -> str:
    """`rising`: a larger number is better; None: neither side is."""
    difference = ours.value - paper
    if abs(difference) <= allowed:
        return "reproduced"
    if rising is not None and (difference > 0) == rising:
        return "better"
    nearest = ours.high if difference < 0 else ours.low  # the end of our interval that lies towards the paper's number
    overshoot = None if nearest is None else (nearest - paper) * (1 if difference > 0 else -1)
    if overshoot is not None and overshoot <= allowed:
        return "within noise"
    return "not reproduced"


def _ordered(difference: float, low: float | None, high: float | None) -> str:
    """The verdict on an ordering, by `difference`."""
    if low is not None and high is not None and low <= 0 <= high:
        return "within noise"
    return "reproduced" if difference > 0 else "not reproduced"


def _half(one: Measured) -> float:
    return (one.high - one.low) / 2 if one.low is not None and one.high is not None else 0.0


def _shifted(end: float | None) -> float | None:
    return None if end is None else end - 1
