"""Statistics of raw latencies: percentiles that need enough samples, drift, intervals over processes."""

import math
import statistics
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hyperseg.records.schema import Interval

# Samples below which a percentile is not given: the counts at which MLPerf's rule lets one be claimed.
P90_SAMPLES = 64
P99_SAMPLES = 662

# Two-sided 95 % points of Student's t by degrees of freedom (1 to 10); 1.96 beyond would be anti-conservative.
_T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)

Array = npt.NDArray[np.float64]


def percentile(samples: Array, percent: float, needed: int) -> float | None:
    """The percentile of `samples`, or None where there are fewer than `needed`."""
    if len(samples) < needed:
        return None
    return float(np.percentile(samples, percent))


def drift_percent(samples: Array) -> float:
    """Change of the median from the first to the last third, in percent of the first; 0 below six samples."""
    third = len(samples) // 3
    if third < 2:
        return 0.0
    first, last = float(np.median(samples[:third])), float(np.median(samples[-third:]))
    return 100 * (last - first) / first


def change_percent(before: float, after: float) -> float:
    """Change from `before` to `after`, in percent of `before`."""
    return 100 * (after - before) / before


def process_interval(medians: Sequence[float]) -> Interval | None:
    """95 % interval of the number over fresh processes, by Student's t on their medians; None for one process."""
    if len(medians) < 2:
        return None
    freedom = len(medians) - 1
    t = _T95[min(freedom, len(_T95)) - 1]
    centre = statistics.fmean(medians)
    half = t * statistics.stdev(medians) / math.sqrt(len(medians))
    method = f"Student t over the medians of {len(medians)} processes"
    return Interval(low=centre - half, high=centre + half, level=0.95, method=method)


def spread_percent(medians: Sequence[float]) -> float:
    """Largest minus smallest process median, in percent of their median."""
    return 100 * (max(medians) - min(medians)) / statistics.median(medians)


def log_slope(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Least-squares slope of log y over log x (1: linear growth); None below three points."""
    if len(x) < 3:
        return None
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])
