"""What sampling the conditions costs: blocks of runs with and without the side thread, in turns, in one process.

Two clocks look at it. The wall's is the protocols' own; on a machine that others load it is too noisy to show one
percent. The CPU time of the timing thread is not disturbed by others' turns; what it leaves out is the side thread
taking a processor away, which is no more than that thread's own CPU time, given beside it.
"""

import contextlib
import json
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from hyperseg.latency import clock
from hyperseg.latency.conditions import Sampler
from hyperseg.latency.lock import device_lock
from hyperseg.latency.request import Request, check_request, make_plan
from hyperseg.latency.worker import heartbeat, open_sources, prepare
from hyperseg.records.statistics import Array, bootstrap_median

BOUND_PERCENT = 1.0  # sampling must not change the median by more


@dataclass(frozen=True)
class Change:
    """Change of the median by sampling, in percent, with its 95 % interval (bootstrap over pairs of blocks)."""

    clock: str
    with_ms: float
    without_ms: float
    percent: float
    low_percent: float
    high_percent: float

    def sentence(self) -> str:
        """The finding in one line; a change is called allowed only where the whole interval is."""
        if self.high_percent <= BOUND_PERCENT:
            finding = f"within the {BOUND_PERCENT:.0f} % allowed"
        elif self.low_percent > BOUND_PERCENT:
            finding = f"MORE than the {BOUND_PERCENT:.0f} % allowed"
        else:
            finding = f"too noisy to tell from the {BOUND_PERCENT:.0f} % allowed"
        return (
            f"by {self.clock}: {self.percent:+.2f} % [{self.low_percent:+.2f}, {self.high_percent:+.2f}], {finding} "
            f"({self.with_ms:.3f} ms with, {self.without_ms:.3f} ms without)"
        )


@dataclass(frozen=True)
class Overhead:
    """The cost of sampling by both clocks."""

    wall: Change
    cpu: Change
    runs: int  # with sampling, and about as many without
    pairs: int
    thread_percent: float  # CPU time of the side thread over the time it ran

    def report(self) -> str:
        """The findings, one line each."""
        return (
            f"sampling the conditions changes the median over {self.pairs} pairs of blocks, {self.runs} runs each,\n"
            f"  {self.wall.sentence()}\n  {self.cpu.sentence()}\n"
            f"  the side thread itself used {self.thread_percent:.2f} % of one processor"
        )


def check(request: Request, pairs: int = 60, block_seconds: float = 1.0, wait: bool = False) -> Overhead:
    """Measure on the request's first point, in this process, under the device's lock.

    A pair is one block with the side thread and one without, in alternating order: a slow change of the machine
    affects both.
    """
    device = check_request(request)
    with device_lock(device.lock_key, device.name, wait):
        return _measure(request, pairs, block_seconds)


def _measure(request: Request, pairs: int, block_seconds: float) -> Overhead:
    plan = make_plan(request)
    job = plan.points[0].job
    sources = open_sources(job.device, job.device_index)
    ticking = (clock.CudaClock if job.device == "cuda" else clock.CpuClock)(prepare(job).run)
    ticked = clock.LatencySeries()
    clock.warm_up(ticking, plan.protocol.warm_up, ticked)
    blocks: dict[bool, list[Array]] = {True: [], False: []}  # (runs, 2): wall and CPU, in ms
    cost = ran = 0.0
    for pair in range(pairs):
        for sampled in (True, False) if pair % 2 else (False, True):
            with contextlib.ExitStack() as stack:
                began = time.perf_counter()
                if sampled:
                    beat = heartbeat(_discard, clock.LatencySeries(), ticked)
                    sampler = Sampler(sources, job.sampling_interval_s, beat)
                    sampler.start()
                    stack.callback(sampler.stop)
                blocks[sampled].append(_block(ticking, block_seconds))
            if sampled:
                ran += time.perf_counter() - began
                cost += sampler.series.cost_s
    return Overhead(
        wall=_change("the wall clock", blocks, 0),
        cpu=_change("the timing thread's CPU time", blocks, 1),
        runs=sum(len(block) for block in blocks[True]),
        pairs=pairs,
        thread_percent=100 * cost / ran,
    )


def _block(ticking: clock.Clock, seconds: float) -> Array:
    series, cpu_ms = clock.LatencySeries(), []
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        before = time.thread_time_ns()
        ticking.sample(series)
        cpu_ms.append((time.thread_time_ns() - before) / 1e6)
    return np.stack([series.latencies_ms(), np.asarray(cpu_ms)], axis=1)


def _change(name: str, blocks: dict[bool, list[Array]], column: int) -> Change:
    medians = {
        sampled: np.asarray([np.median(block[:, column]) for block in found]) for sampled, found in blocks.items()
    }
    ratios = medians[True] / medians[False]
    low, high = bootstrap_median(ratios)
    return Change(
        clock=name,
        with_ms=float(np.median(np.concatenate(blocks[True])[:, column])),
        without_ms=float(np.median(np.concatenate(blocks[False])[:, column])),
        percent=100 * (float(np.median(ratios)) - 1),
        low_percent=100 * (low - 1),
        high_percent=100 * (high - 1),
    )


def _discard(event: str, **values: Any) -> None:
    json.dumps({"event": event, **values})  # the cost of a live line for the timed process, without the pipe
