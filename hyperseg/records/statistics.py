"""Statistics of latencies, as records hold them: percentiles that need enough samples, intervals, growth,
drift, change and spread."""

import math
import statistics
from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

from hyperseg.records.measurement import Interval

# The fewest samples for each percentile, by MLPerf's rule.
P90_SAMPLES = 64
P99_SAMPLES = 662
LEAST_ROUNDS = 6  # below which a ratio over rounds has no interval

Array = npt.NDArray[np.float64]


def percentile(samples: Array, percent: float, needed: int) -> float | None:
    """The percentile of `samples` (N,), or None if N is below `needed`."""
    if len(samples) < needed:
        return None
    return float(np.percentile(samples, percent))


def process_interval(medians: Sequence[float]) -> Interval | None:
    """95 % interval of the number over fresh processes, by Student's t on their medians; None for one process."""
    if len(medians) < 2:
        return None
    t = _student_t(len(medians) - 1)
    if t is None:
        return None
    centre = statistics.fmean(medians)
    half = t * statistics.stdev(medians) / math.sqrt(len(medians))
    method = f"Student t over the medians of {len(medians)} processes"
    return Interval(low=centre - half, high=centre + half, level=0.95, method=method)


def _student_t(freedom: int) -> float | None:
    """The two-sided 95 % point; without scipy, which a bare source tree lacks, for three processes alone."""
    if find_spec("scipy") is None:
        return 0.95 * math.sqrt(2 / (1 - 0.95**2)) if freedom == 2 else None
    from scipy.special import stdtrit  # scipy.stats has the same function and takes a second to import

    return float(stdtrit(freedom, 0.975))


def log_slope(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Least-squares slope of log y over log x (1: linear growth); None below three points."""
    if len(x) < 3:
        return None
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def bootstrap_median(values: Array) -> tuple[float, float]:
    """95 % interval of the median of independent `values` (N,): percentiles over 2000 samples drawn from them."""
    drawn = np.median(values[np.random.default_rng(0).integers(len(values), size=(2000, len(values)))], axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def median_interval(rounds: Sequence[float]) -> Interval | None:
    """95 % interval of the median of times or ratios, one a round; None below six rounds."""
    if len(rounds) < LEAST_ROUNDS:
        return None
    low, high = bootstrap_median(np.asarray(rounds, dtype=np.float64))
    method = f"percentile bootstrap of the median over {len(rounds)} rounds"
    return Interval(low=low, high=high, level=0.95, method=method)


def drift_percent(samples: Array) -> float:
    """Change of the median from the first to the last third of (N,), in percent of the first; 0 below six samples."""
    third = len(samples) // 3
    if third < 2:
        return 0.0
    first, last = float(np.median(samples[:third])), float(np.median(samples[-third:]))
    return change_percent(first, last)


def change_percent(before: float, after: float) -> float:
    """Change from `before` to `after`, in percent of `before`."""
    return 100 * (after - before) / before


def spread_percent(medians: Sequence[float]) -> float:
    """Largest minus smallest process median, in percent of their median."""
    return 100 * (max(medians) - min(medians)) / statistics.median(medians)
