"""Statistics of raw latencies: drift, change, spread over processes."""

import statistics
from collections.abc import Sequence

import numpy as np

from hyperseg.records.statistics import Array


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


def spread_percent(medians: Sequence[float]) -> float:
    """Largest minus smallest process median, in percent of their median."""
    return 100 * (max(medians) - min(medians)) / statistics.median(medians)
