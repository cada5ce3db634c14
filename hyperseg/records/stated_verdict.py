"""Verdicts derived again from what a record states of its processes: none may be milder than its own numbers, and
every reason that follows from them stands in it, with its number."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from hyperseg.records.bench import BenchTiming, BenchTurns
from hyperseg.records.conditions import CpuSummary, GpuSummary
from hyperseg.records.latency import LatencyNumbers
from hyperseg.records.measurement import Verdict
from hyperseg.records.statistics import change_percent
from hyperseg.records.verdict import Evidence, Limits, as_verdict, findings
from hyperseg.strict import first_problem

SEVERITY = ("VALID", "DEGRADED", "INVALID")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_NEIGHBOURS = re.compile(r"(processors' time): .* %\)")  # who they were follows from nothing
_TENTH = 0.1001  # a reason rounds what the record holds rounded already


class _Latency(BaseModel):
    """What the conditions of a latency hold for a verdict, one entry per process; empty where not stated."""

    model_config = ConfigDict(allow_inf_nan=False)

    cpu: list[CpuSummary | None] = []
    gpu: list[GpuSummary | None] = []
    drift_percent: list[float] = []
    settled: list[bool] = []


class _Bench(BaseModel):
    model_config = ConfigDict(allow_inf_nan=False)

    cpu: CpuSummary | None = None
    gpu: GpuSummary | None = None


def of_latency(numbers: LatencyNumbers) -> Iterator[str]:
    """The clauses of the verdicts of a latency and of its sweep's points that are too mild."""
    try:
        stated = _Latency.model_validate(numbers.conditions)
    except ValidationError as error:
        yield _unfit(error)
        return
    before, after = (numbers.calibration.before_ms, numbers.calibration.after_ms) if numbers.calibration else ([], [])
    processes = [
        _evidence(
            median_ms=median,
            drift_percent=_at(stated.drift_percent, index, 0.0),
            settled=_at(stated.settled, index, True),
            calibration_change_percent=change_percent(before[index], after[index])
            if index < min(len(before), len(after))
            else None,
            cpu=_at(stated.cpu, index, None),
            gpu=_at(stated.gpu, index, None),
            answer=numbers.answer,
        )
        for index, median in enumerate(numbers.process_medians_ms)
    ]
    yield from _milder("verdict", numbers.verdict, processes)
    for index, point in enumerate(numbers.points):
        answered = _evidence(median_ms=point.median_ms, answer=point.answer)
        yield from _milder(f"points.{index}.verdict", point.verdict, [answered])


def of_turns(part: str, turns: BenchTurns) -> Iterator[str]:
    """The clauses of the verdicts of contenders that are too mild; the conditions are of all of them together."""
    try:
        stated = _Bench.model_validate(turns.conditions or {})
    except ValidationError as error:
        yield _unfit(error)
        return
    found = turns.calibration
    changes = [change_percent(*pair) for pair in zip(found.before_ms, found.after_ms, strict=False)] if found else []
    for timing in turns.timings:
        if timing.verdict is not None:
            evidence = _evidence(
                median_ms=timing.median_ms,
                calibration_change_percent=_at(changes, 0, None),
                cpu=stated.cpu,
                gpu=stated.gpu,
                interval_percent=_width(timing),
            )
            yield from _milder(f"verdict of {timing.name} in {part}", timing.verdict, [evidence])


def _width(timing: BenchTiming) -> float | None:
    interval = timing.ratio_interval
    return 50 * (interval.high - interval.low) / timing.ratio if interval and timing.ratio else None


def _at(values: Sequence[Any], index: int, otherwise: Any) -> Any:
    return values[index] if index < len(values) else otherwise


def _evidence(*, cpu: CpuSummary | None = None, median_ms: float, **stated: Any) -> Evidence:
    """What a record does not state speaks for the number."""
    known = {"settled": True, "drift_percent": 0.0, "calibration_change_percent": None} | stated
    named = replace(cpu, neighbours=[]) if cpu else None  # the names of other processes change no verdict
    return Evidence(median_ms=median_ms, enough_samples=True, samples=0, cpu=named, **known)


def _milder(name: str, stated: Verdict, processes: Sequence[Evidence]) -> Iterator[str]:
    try:
        found = findings(processes, Limits())
    except KeyError as error:
        yield f"conditions hold a clock without its '{error.args[0]}'"
        return
    derived = as_verdict(found, len(processes)).verdict
    if SEVERITY.index(stated.verdict) < SEVERITY.index(derived):
        reason = next(item.reason for group in found for item in group if item.severity == derived)
        yield f"{name} is {stated.verdict}, but {derived} by the conditions it states ({reason})"
        return
    # an answer is of the worst process alone, so how many processes gave a wrong one is not known
    blind = [replace(one, answer=None) for one in processes]
    for reason in as_verdict(findings(blind, Limits()), len(blind)).reasons:
        if not any(_same(reason, other) for other in stated.reasons):
            yield f"{name} lacks the reason '{reason}', which follows from the conditions it states"


def _same(derived: str, stated: str) -> bool:
    """Whether both say the same, apart from rounding."""
    texts = derived, _NEIGHBOURS.sub(r"\1", stated)
    if _NUMBER.sub("", texts[0]) != _NUMBER.sub("", texts[1]):
        return False
    pairs = zip(*(map(float, _NUMBER.findall(text)) for text in texts), strict=True)
    return all(abs(one - other) <= _TENTH for one, other in pairs)


def _unfit(error: ValidationError) -> str:
    key, message = first_problem(error)
    return f"conditions do not fit at '{key}': {message}"
