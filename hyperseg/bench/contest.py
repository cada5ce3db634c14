"""Contenders take turns, and the load of other processes meanwhile is kept."""

import os
from collections.abc import Mapping, Sequence

from hyperseg.bench.setting import Setting
from hyperseg.latency.conditions_cpu import CpuSource, others_load_percent
from hyperseg.latency.ratios import Contender, Timing, time_in_turns
from hyperseg.records.bench import BenchTiming


def contest(contenders: Sequence[Contender], setting: Setting, warm_up: int = 2) -> tuple[list[Timing], float]:
    """The contenders' timings, the first being the baseline, and others' load in percent of our processors' time."""
    source = CpuSource()
    before = source.read()
    if setting.keep_memory:
        warm_up += 4  # until what is kept has room for every contender's blocks
    timings = time_in_turns(contenders, setting.rounds, setting.clock, warm_up)
    load = others_load_percent(before, source.read(), len(source.affinity) or os.cpu_count() or 1)
    return timings, round(load, 1)


def as_rows(timings: Sequence[Timing], errors: Mapping[str, float]) -> list[BenchTiming]:
    """The record's rows; `errors` by contender, where one was compared."""
    return [
        BenchTiming(
            name=timing.name,
            rounds_ms=list(timing.milliseconds),
            median_ms=timing.median_ms,
            ratio=timing.ratio,
            page_faults=timing.page_faults,
            largest_error=errors.get(timing.name),
        )
        for timing in timings
    ]
