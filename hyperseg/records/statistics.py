"""Statistics of latencies, as records hold them: percentiles that need enough samples, intervals, growth."""

import math
import statistics
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hyperseg.records.schema import Interval

# Samples below which a percentile is not given: the counts at which MLPerf's rule lets one be claimed.
P90_SAMPLES = 64
P99_SAMPLES = 662

Array = npt.NDArray[np.float64]


def percentile(samples: Array, percent: float, needed: int) -> float | None:
    """The percentile of `samples`, or None where there are fewer than `needed`."""
    if len(samples) < needed:
        return None
    return float(np.percentile(samples, percent))


def process_interval(medians: Sequence[float]) -> Interval | None:
    """95 % interval of the number over fresh processes, by Student's t on their medians; None for one process."""
    if len(medians) < 2:
        return None
    from scipy.special import stdtrit  # scipy.stats has the same function and takes a second to import

    t = float(stdtrit(len(medians) - 1, 0.975))
    centre = statistics.fmean(medians)
    half = t * statistics.stdev(medians) / math.sqrt(len(medians))
    method = f"Student t over the medians of {len(medians)} processes"
    return Interval(low=centre - half, high=centre + half, level=0.95, method=method)


def log_slope(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Least-squares slope of log y over log x (1: linear growth); None below three points."""
    if len(x) < 3:
        return None
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])
