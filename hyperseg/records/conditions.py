"""Conditions over the timed window of one process, as a record keeps them. Units are in the names."""

from dataclasses import dataclass
from typing import Any

# Slowdowns that invalidate a number; the other reasons to throttle degrade it.
HARD_REASONS = frozenset(
    {"hardware slowdown", "software thermal slowdown", "hardware thermal slowdown", "hardware power brake"}
)


@dataclass(frozen=True)
class CpuSummary:
    """Conditions over the timed window of one process."""

    readings: int
    window_s: float
    others_load_percent: float  # of the time of our processors
    others_load_max_percent: float  # largest between two readings
    stolen_percent: float  # time that the hypervisor gave to other guests
    elsewhere_load_percent: float | None  # load of the processors we may not run on; None where there are none
    frequency_mhz: dict[str, float] | None  # None: not readable, as in most virtual machines
    temperature_c: dict[str, float] | None
    throttle_events: int | None
    involuntary_switches: int
    affinity: list[int]
    governor: str | None
    boost: bool | None
    load_average_1min: float | None
    neighbours: list[dict[str, Any]]  # the other processes that used most CPU time


@dataclass(frozen=True)
class GpuSummary:
    """Conditions over the timed window of one process."""

    readings: int
    uuid: str
    sm_clock_mhz: dict[str, float] | None
    memory_clock_mhz: dict[str, float] | None
    temperature_c: dict[str, float] | None
    power_w: dict[str, float] | None
    utilization_percent: dict[str, float] | None
    memory_used_bytes: dict[str, float] | None
    throttle_percent: dict[str, float] | None  # share of readings that showed each reason; None: not readable
    other_processes: list[int] | None  # pids seen at any reading; None: not readable
    unnamed_processes: int  # others whose pid could not be told from ours
    unreadable: list[str]  # counters the board does not have
