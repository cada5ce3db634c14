"""Our numbers for the paper's claims: a variant's comparable ones, else the nearest one and how it differs."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from hyperseg.records.statistics import process_interval
from hyperseg.report.claims import Claim, Claims
from hyperseg.report.comparability import Run, accuracy_reasons, latency_reasons
from hyperseg.report.facts import PaperRow

_QUANTITIES = {"miou": "miou", "fps": "fps", "latency": "time_of_an_image"}
USED = ("miou", "fps", "latency_median", "final_loss")  # the last stands for a training


@dataclass(frozen=True)
class Measured:
    """A number of ours with its interval, and the records it comes from."""

    value: float
    low: float | None
    high: float | None
    seeds: int
    records: tuple[str, ...]
    reasons: tuple[str, ...] = ()  # why it is not the paper's measurement


class OurNumbers:
    """The runs of a frame as :func:`hyperseg.read_records` gives it."""

    def __init__(self, claims: Claims, frame: pd.DataFrame) -> None:
        self.claims = claims
        used = frame[frame["quantity"].isin(USED)]
        plain = used.astype(object).where(used.notna(), None)
        self.runs: dict[tuple[str, str], list[Run]] = {}  # by quantity and variant
        for run in plain.to_dict("records"):
            self.runs.setdefault((run["quantity"], run["variant"]), []).append({str(k): v for k, v in run.items()})
        for (quantity, variant), runs in list(self.runs.items()):
            if quantity == "fps":  # the same statistic, so that the two claims of one record agree
                self.runs[_QUANTITIES["latency"], variant] = [{**run, "value": 1e3 / run["value"]} for run in runs]
        trained = [run for (name, _), runs in self.runs.items() if name == "final_loss" for run in runs]
        self.trainings = {run["weights_sha256"]: run for run in trained if run["weights_sha256"]}

    def of(self, variant: str, split: str | None, measure: str, campaign: str | None = None) -> Measured | None:
        """Our number of a variant: comparable ones averaged over seeds, else the nearest one; or None.

        Of one `campaign`, if it is given.
        """
        row = self.claims.row_of(variant, split)
        runs = [
            run for run in self.runs.get((_QUANTITIES[measure], variant), ())
            if run["subject"] is None and campaign in (None, run["campaign"])
            and run["source"] == "hyperseg" and not run["smoke"] and run["verdict"] != "INVALID"
            and (measure != "miou" or (str(run["dataset"]).startswith(row.dataset) and split in (None, run["split"])))
        ]  # fmt: skip
        compared = [(self._reasons(run, row), run) for run in runs]
        fit = [run for reasons, run in compared if not reasons]
        if fit:
            return _over_seeds(fit)
        if not compared:
            return None
        reasons, nearest = min(compared, key=lambda pair: self._distance(pair[1], row))
        return replace(_over_seeds([nearest]), reasons=tuple(reasons))

    def _reasons(self, run: Run, row: PaperRow) -> list[str]:
        if run["kind"] == "latency":
            return latency_reasons(run, row)
        return accuracy_reasons(run, row, self.trainings.get(run["weights_sha256"] or ""))

    def _distance(self, run: Run, row: PaperRow) -> tuple[int, bool, float]:
        """Sorts what is not comparable: by what else than the training differs; then by the images trained on."""
        if run["kind"] == "latency":
            return len(latency_reasons(run, row)), run["protocol"] != "paper", 0
        training = self.trainings.get(run["weights_sha256"] or "")
        seen = (training["epochs"] or 0) * (training["images_per_epoch"] or 0) if training else 0
        return len(accuracy_reasons(run, row, None)), run["protocol"] != "paper", -seen

    def side_by_side(self, claim: Claim, against: str) -> list[Measured | None] | None:
        """Both numbers from the campaign that is nearest to the paper's conditions; None where none has both.

        Numbers that are not the paper's measurement can still be compared with each other, under one schedule.
        """
        names = [
            {run["campaign"] for run in self.runs.get((_QUANTITIES[claim.measure], variant), ())}
            for variant in (claim.variant, against)
        ]
        pairs = [
            [self.of(variant, claim.split, claim.measure, name) for variant in (claim.variant, against)]
            for name in sorted(filter(None, names[0] & names[1]))
        ]
        whole = [pair for pair in pairs if None not in pair]
        return min(whole, key=lambda pair: sum(len(one.reasons) for one in pair if one), default=None)

    def timings(self, *variants: str) -> list[Run]:
        """All timings of these variants, however they were made."""
        return [run for variant in variants for run in self.runs.get(("latency_median", variant), ())]


def _over_seeds(runs: Sequence[Run]) -> Measured:
    """The mean over seeds; its interval is Student's over them, of a single seed the record's own."""
    by_seed: dict[Any, list[float]] = {}
    for run in runs:
        # a latency has no seed of its own; other weights are those of another one
        seed = run["weights_sha256"] if run["kind"] == "latency" else run["seed"]
        by_seed.setdefault(seed, []).append(float(run["value"]))
    values = [statistics.fmean(found) for found in by_seed.values()]
    low, high = runs[0]["low"], runs[0]["high"]
    if (found := process_interval(values)) is not None:
        low, high = found.low, found.high
    elif len(runs) > 1:
        low = high = None
    names = tuple(dict.fromkeys(str(run["record"]) for run in runs))
    return Measured(statistics.fmean(values), low, high, len(values), names)
