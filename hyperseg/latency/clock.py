"""The clock: timed single runs, warm-up by stability, run length by time and count.

A CPU run is timed with ``perf_counter_ns``. A CUDA run is timed by the host between two synchronizations, which is what
a caller waits for, and by a pair of events on the stream beside it, which leaves the host's part out.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hyperseg.latency.protocol import Length, WarmUp

Run = Callable[[int], Any]  # runs the network on the input of that index


@dataclass
class LatencySeries:
    """Raw samples of one phase. The lists are appended to while a side thread may read their lengths."""

    started_ns: list[int] = field(default_factory=list)  # since the clock was made
    latency_ns: list[int] = field(default_factory=list)
    device_ns: list[int | None] = field(default_factory=list)  # by CUDA events; None on a CPU

    def __len__(self) -> int:
        return len(self.device_ns)  # appended last

    def latencies_ms(self, start: int = 0) -> np.ndarray:
        """Latencies from sample `start` on, in milliseconds."""
        return np.asarray(self.latency_ns[start : len(self)], dtype=np.float64) / 1e6


class CpuClock:
    """Times `run` by the host's monotonic clock."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.origin_ns = time.perf_counter_ns()

    def sample(self, series: LatencySeries) -> None:
        """One timed run, appended to `series`."""
        index = len(series)
        start = time.perf_counter_ns()
        self.run(index)
        end = time.perf_counter_ns()
        series.started_ns.append(start - self.origin_ns)
        series.latency_ns.append(end - start)
        series.device_ns.append(None)


class CudaClock:
    """Times `run` between two synchronizations, and by events on the current stream."""

    def __init__(self, run: Run) -> None:
        import torch

        self.run = run
        self.synchronize = torch.cuda.synchronize
        self.before = torch.cuda.Event(enable_timing=True)
        self.after = torch.cuda.Event(enable_timing=True)
        self.origin_ns = time.perf_counter_ns()

    def sample(self, series: LatencySeries) -> None:
        """One timed run, appended to `series`."""
        index = len(series)
        self.synchronize()
        start = time.perf_counter_ns()
        self.before.record()
        self.run(index)
        self.after.record()
        self.synchronize()
        end = time.perf_counter_ns()
        series.started_ns.append(start - self.origin_ns)
        series.latency_ns.append(end - start)
        series.device_ns.append(round(self.before.elapsed_time(self.after) * 1e6))


Clock = CpuClock | CudaClock


def warm_up(clock: Clock, rule: WarmUp, series: LatencySeries) -> bool:
    """Run until the medians of two consecutive windows agree within the rule's tolerance.

    A window holds at least `window_samples` samples and `window_seconds`. False: `max_seconds` passed first.
    """
    began = time.perf_counter_ns()
    previous: float | None = None
    while True:
        start, opened = len(series), time.perf_counter_ns()
        while len(series) - start < rule.window_samples or _seconds_since(opened) < rule.window_seconds:
            clock.sample(series)
            if _seconds_since(began) > rule.max_seconds:
                return False
        median = float(np.median(series.latencies_ms(start)))
        settled = previous is not None and abs(median - previous) <= previous * rule.tolerance_percent / 100
        if settled and len(series) >= rule.min_samples:
            return True
        previous = median


def measure(clock: Clock, rule: Length, series: LatencySeries) -> bool:
    """Take samples until `rule` is met. False: `max_seconds` passed first, so there are too few."""
    began = time.perf_counter_ns()
    while True:
        clock.sample(series)
        if rule.max_samples is not None and len(series) >= rule.max_samples:
            return True
        seconds = _seconds_since(began)
        if seconds >= rule.min_seconds and len(series) >= rule.min_samples:
            needed = rule.samples_needed(float(np.median(series.latencies_ms())))
            if len(series) >= needed:
                return True
        if seconds > rule.max_seconds:
            return False


def _seconds_since(start_ns: int) -> float:
    return (time.perf_counter_ns() - start_ns) / 1e9
