"""What sampling the conditions costs: blocks of runs with and without the side thread, in turns, in one process."""

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

BOUND_PERCENT = 1.0  # sampling must not change the median by more


@dataclass(frozen=True)
class Overhead:
    """Medians with and without the sampling, and the change with its 95 % interval (bootstrap over pairs of blocks)."""

    with_ms: float
    without_ms: float
    change_percent: float
    low_percent: float
    high_percent: float
    samples: int
    blocks: int
    thread_percent: float  # CPU time of the side thread over the time it ran

    def sentence(self) -> str:
        """The finding in one line."""
        inside = "within" if abs(self.change_percent) <= BOUND_PERCENT else "NOT within"
        return (
            f"sampling the conditions changes the median by {self.change_percent:+.2f} % "
            f"[{self.low_percent:+.2f}, {self.high_percent:+.2f}], {inside} the {BOUND_PERCENT:.0f} % allowed: "
            f"{self.with_ms:.3f} ms with, {self.without_ms:.3f} ms without, {self.samples} samples each, "
            f"{self.blocks} pairs of blocks; the side thread used {self.thread_percent:.3f} % of one processor"
        )


def check(request: Request, pairs: int = 30, block_seconds: float = 2.0, wait: bool = False) -> Overhead:
    """Measure on the request's first point, in this process, under the device's lock.

    A pair is one block with the side thread and one without, in an order that alternates, so that a slow change of the
    machine meets both alike.
    """
    device = check_request(request)
    with device_lock(device.lock_key, device.name, wait):
        plan = make_plan(request)
        job = plan.points[0].job
        sources = open_sources(job)
        ticking = (clock.CudaClock if job.device == "cuda" else clock.CpuClock)(prepare(job).run)
        clock.warm_up(ticking, plan.protocol.warm_up, clock.Series())
        ticked = clock.Series()
        ticking.sample(ticked)
        medians: dict[bool, list[float]] = {True: [], False: []}
        samples: dict[bool, list[np.ndarray]] = {True: [], False: []}
        cost = ran = 0.0
        beat = heartbeat(_discard, clock.Series(), ticked)
        for pair in range(pairs):
            for sampled in (True, False) if pair % 2 else (False, True):
                sampler = Sampler(sources, job.sampling_interval_s, beat) if sampled else None
                began = time.perf_counter()
                with contextlib.ExitStack() as stack:
                    if sampler is not None:
                        sampler.start()
                        stack.callback(sampler.stop)
                    block = _block(ticking, block_seconds)
                    ran += time.perf_counter() - began if sampled else 0.0
                cost += sampler.series.cost_s if sampler is not None else 0.0
                medians[sampled].append(float(np.median(block)))
                samples[sampled].append(block)
    ratios = np.asarray(medians[True]) / np.asarray(medians[False])
    low, high = _bootstrap(ratios)
    return Overhead(
        with_ms=float(np.median(np.concatenate(samples[True]))),
        without_ms=float(np.median(np.concatenate(samples[False]))),
        change_percent=100 * (float(np.median(ratios)) - 1),
        low_percent=100 * (low - 1),
        high_percent=100 * (high - 1),
        samples=sum(len(block) for block in samples[True]),
        blocks=pairs,
        thread_percent=100 * cost / ran,
    )


def _block(ticking: clock.Clock, seconds: float) -> np.ndarray:
    series = clock.Series()
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        ticking.sample(series)
    return series.latencies_ms()


def _bootstrap(ratios: np.ndarray, draws: int = 2000) -> tuple[float, float]:
    generator = np.random.default_rng(0)
    medians = np.median(ratios[generator.integers(len(ratios), size=(draws, len(ratios)))], axis=1)
    return float(np.percentile(medians, 2.5)), float(np.percentile(medians, 97.5))


def _discard(event: str, **values: Any) -> None:
    json.dumps({"event": event, **values})  # what a live line costs the timed process, short of the pipe
