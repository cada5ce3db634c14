"""Statistics of raw latencies against hand-worked values."""

import numpy as np
import pytest

from hyperseg.records.statistics import drift_percent, log_slope, percentile, process_interval, spread_percent


@pytest.mark.parametrize(("count", "given"), [(63, False), (64, True)])
def test_a_percentile_needs_its_samples(count: int, given: bool) -> None:
    assert (percentile(np.arange(1.0, count + 1), 90, 64) is not None) == given


def test_drift_compares_the_outer_thirds() -> None:
    assert drift_percent(np.array([10.0, 10, 10, 50, 50, 50, 11, 11, 11])) == pytest.approx(10)
    assert drift_percent(np.array([1.0, 9.0])) == 0


def test_interval_of_three_processes_is_students() -> None:
    interval = process_interval([9.0, 10.0, 11.0])
    assert interval is not None
    assert interval.low == pytest.approx(10 - 4.302653 / 3**0.5)
    assert interval.high == pytest.approx(10 + 4.302653 / 3**0.5)
    assert "3 processes" in interval.method


def test_one_process_has_no_interval() -> None:
    assert process_interval([9.0]) is None


def test_spread_is_of_the_median() -> None:
    assert spread_percent([9.0, 10.0, 11.0]) == pytest.approx(20)


@pytest.mark.parametrize("power", [1.0, 1.5])
def test_slope_finds_the_power(power: float) -> None:
    x = [0.25, 0.5, 1.0, 2.0, 4.0]
    assert log_slope(x, [7 * value**power for value in x]) == pytest.approx(power)
    assert log_slope([1.0, 2.0], [1.0, 2.0]) is None
