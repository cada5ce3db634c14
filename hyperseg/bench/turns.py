"""Contenders take turns, so that a disturbance hits them all; conditions are sampled as in `hyperseg latency`."""

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from hyperseg.allocator import page_faults
from hyperseg.bench.setting import ClockName, Setting
from hyperseg.latency import conditions_cpu, conditions_nvml
from hyperseg.latency.calibration import Calibrator
from hyperseg.latency.conditions import Sampler
from hyperseg.latency.outcome import calibration
from hyperseg.latency.worker import open_sources
from hyperseg.records.bench import BenchTiming, BenchTurns
from hyperseg.records.measurement import Answer, Interval
from hyperseg.records.statistics import change_percent, median_interval
from hyperseg.records.verdict import Evidence, judge

CALIBRATION_SECONDS = 0.5


@dataclass(frozen=True)
class Contender:
    """Something to time: ``run`` does it once and returns when it is done."""

    name: str
    run: Callable[[], object]


@dataclass(frozen=True)
class Timing:
    """One contender's rounds, in ms, beside the baseline's of the same rounds."""

    name: str
    milliseconds: tuple[float, ...]
    baseline: tuple[float, ...]
    page_faults: int  # median of the rounds

    @property
    def median_ms(self) -> float:
        return statistics.median(self.milliseconds)

    @property
    def ratios(self) -> list[float]:
        """How many times faster than the baseline, round by round."""
        return [base / own for base, own in zip(self.baseline, self.milliseconds, strict=True)]

    @property
    def ratio(self) -> float:
        """The median over the rounds."""
        return statistics.median(self.ratios)


@dataclass(frozen=True)
class Contest:
    """What a contest measured, in the contenders' order, and the evidence for its verdicts."""

    timings: list[Timing]
    evidence: Evidence  # of all contenders together
    others_load_percent: float
    calibration_kernel: str
    calibration_ms: tuple[float, float]  # before and after
    conditions: dict[str, Any]


def time_in_turns(contenders: Sequence[Contender], rounds: int, clock: ClockName, warm_up: int) -> list[Timing]:
    """Run every contender once per round, the first being the baseline, and give all timings in the same order.

    Each runs ``warm_up`` times before. The clock is the wall's, or the process's CPU time (all its threads), which a
    busy machine disturbs less: take that on one thread.
    """
    now = time.perf_counter if clock == "wall" else time.process_time
    for contender in contenders:
        for _ in range(warm_up):
            contender.run()
    samples: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    faults: dict[str, list[int]] = {contender.name: [] for contender in contenders}
    for _ in range(rounds):
        for contender in contenders:
            before, started = page_faults(), now()
            contender.run()
            samples[contender.name].append(1e3 * (now() - started))
            faults[contender.name].append(page_faults() - before)
    baseline = tuple(samples[contenders[0].name])
    return [
        Timing(name, tuple(values), baseline, round(statistics.median(faults[name])))
        for name, values in samples.items()
    ]


def contest(contenders: Sequence[Contender], setting: Setting, warm_up: int = 2) -> Contest:
    """Time the contenders in turns, the first being the baseline, between two runs of the calibration kernel."""
    if setting.keep_memory:
        warm_up += 4  # the kept memory must grow to fit every contender's blocks
    sources = open_sources(setting.device, 0)
    calibrator = Calibrator(torch.device(setting.device), "float32", CALIBRATION_SECONDS)
    before = calibrator.time()
    cpu = next(source for source in sources if isinstance(source, conditions_cpu.CpuSource))
    edge_before = conditions_cpu.Edge.read(cpu)
    sampler = Sampler(sources)
    sampler.start()
    sampler.mark()
    timings = time_in_turns(contenders, setting.rounds, setting.clock, warm_up)
    series = sampler.stop()
    edge_after = conditions_cpu.Edge.read(cpu)
    after = calibrator.time()
    readings = series.of("cpu")
    summary = conditions_cpu.summarise(readings, cpu, edge_before, edge_after)
    gpu = next((source for source in sources if isinstance(source, conditions_nvml.NvmlSource)), None)
    gpu_summary = gpu.summarise(series.of("gpu")) if gpu and series.of("gpu") else None
    evidence = Evidence(
        median_ms=timings[0].median_ms,
        enough_samples=True,
        samples=setting.rounds,
        settled=True,
        drift_percent=0.0,  # not known for one contender; the ratio's interval covers it
        calibration_change_percent=change_percent(before.median_ms, after.median_ms),
        cpu=summary,
        gpu=gpu_summary,
        sampling_failure=series.failure,
        gpu_unsampled=setting.device == "cuda" and gpu is None,
    )
    conditions: dict[str, Any] = {"cpu": asdict(summary)}
    if gpu_summary is not None:
        conditions["gpu"] = asdict(gpu_summary)
    load = conditions_cpu.others_load_percent(readings[0], readings[-1], len(cpu.affinity) or os.cpu_count() or 1)
    return Contest(timings, evidence, round(load, 1), before.name, (before.median_ms, after.median_ms), conditions)


def as_turns(found: Contest, size: tuple[int, int, int], answers: Mapping[str, Answer] | None = None) -> BenchTurns:
    """The record's part; `size` is (batch, height, width), `answers` are by contender, where one was compared."""
    batch, height, width = size
    answers = answers or {}
    before, after = found.calibration_ms
    return BenchTurns(
        batch=batch,
        input_height=height,
        input_width=width,
        timings=[_row(timing, found, answers.get(timing.name)) for timing in found.timings],
        others_load_percent=found.others_load_percent,
        calibration=calibration(found.calibration_kernel, [before], [after]),
        conditions=found.conditions,
    )


def _row(timing: Timing, found: Contest, answer: Answer | None) -> BenchTiming:
    interval = median_interval(timing.ratios)
    evidence = _of_row(found.evidence, timing, interval, answer)
    return BenchTiming(
        name=timing.name,
        rounds_ms=list(timing.milliseconds),
        median_ms=timing.median_ms,
        ratio=timing.ratio,
        ratio_interval=interval,
        page_faults=timing.page_faults,
        largest_error=answer.largest_logit_difference if answer else None,
        equal_classes_percent=answer.equal_classes_percent if answer else None,
        verdict=judge([evidence]),
    )


def _of_row(shared: Evidence, timing: Timing, interval: Interval | None, answer: Answer | None) -> Evidence:
    width = 50 * (interval.high - interval.low) / timing.ratio if interval else None
    return replace(shared, enough_samples=interval is not None, answer=answer, interval_percent=width)
