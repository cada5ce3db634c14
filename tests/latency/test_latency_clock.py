"""Warm-up by stability and length by time and count, on scripted latencies; the real clock on a real sleep."""

import time
from collections.abc import Iterator
from itertools import chain, repeat

import pytest

from hyperseg.latency import clock
from hyperseg.latency.protocol import Length, WarmUp


class ScriptedClock(clock.CpuClock):
    """Latencies from a list, without waiting for them."""

    def __init__(self, milliseconds: Iterator[float]) -> None:
        super().__init__(run=lambda index: None)
        self.milliseconds = milliseconds

    def sample(self, series: clock.LatencySeries) -> None:
        series.started_ns.append(0)
        series.latency_ns.append(round(next(self.milliseconds) * 1e6))
        series.device_ns.append(None)


WINDOWS_OF_FOUR = WarmUp(window_seconds=0, window_samples=4, tolerance_percent=1, max_seconds=5)


def test_warm_up_ends_when_two_windows_agree() -> None:
    series = clock.LatencySeries()
    falling = chain([90.0] * 4, [40.0] * 4, [20.0] * 4, repeat(20.1))
    assert clock.warm_up(ScriptedClock(falling), WINDOWS_OF_FOUR, series)
    assert len(series) == 16  # 90, 40, 20 and the first window within 1 % of the one before


def test_warm_up_goes_on_to_the_samples_it_must_have() -> None:
    series = clock.LatencySeries()
    rule = WINDOWS_OF_FOUR.model_copy(update={"min_samples": 21})
    assert clock.warm_up(ScriptedClock(repeat(5.0)), rule, series)
    assert len(series) == 24


def test_warm_up_that_never_settles_is_told_from_one_that_does() -> None:
    rule = WINDOWS_OF_FOUR.model_copy(update={"max_seconds": 0.05})
    assert not clock.warm_up(
        ScriptedClock(chain.from_iterable(repeat([1.0] * 4 + [2.0] * 4))), rule, clock.LatencySeries()
    )


@pytest.mark.parametrize(("milliseconds", "expected"), [(50.0, 8), (5.0, 30)])
def test_length_asks_for_more_samples_where_they_are_short(milliseconds: float, expected: int) -> None:
    rule = Length(min_seconds=0, min_samples=8, short_sample_ms=20, short_min_samples=30, max_seconds=60)
    series = clock.LatencySeries()
    assert clock.measure(ScriptedClock(repeat(milliseconds)), rule, series)
    assert len(series) == expected


def test_length_waits_for_its_seconds() -> None:
    series = clock.LatencySeries()
    began = time.perf_counter()
    assert clock.measure(
        clock.CpuClock(lambda index: None), Length(min_seconds=0.1, min_samples=2, max_seconds=9), series
    )
    assert time.perf_counter() - began >= 0.1
    assert len(series) > 2


def test_length_that_runs_out_of_time_says_so() -> None:
    rule = Length(min_seconds=0, min_samples=1_000_000, max_seconds=0.05)
    assert not clock.measure(clock.CpuClock(lambda index: time.sleep(0.01)), rule, clock.LatencySeries())


def test_a_pass_ends_at_its_last_image() -> None:
    rule = Length(min_seconds=0, min_samples=5, max_samples=5, max_seconds=60)
    series = clock.LatencySeries()
    assert clock.measure(ScriptedClock(repeat(1.0)), rule, series)
    assert len(series) == 5


def test_the_clock_gives_each_run_its_index_and_times_it() -> None:
    indices: list[int] = []

    def run(index: int) -> None:
        indices.append(index)
        time.sleep(0.002)

    series = clock.LatencySeries()
    ticking = clock.CpuClock(run)
    for _ in range(3):
        ticking.sample(series)
    assert indices == [0, 1, 2]
    assert series.latencies_ms().min() >= 2
    assert series.started_ns == sorted(series.started_ns)
    assert series.device_ns == [None] * 3
