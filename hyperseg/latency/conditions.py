"""Conditions sampled during a run, by a light side thread in the timed process. Imports no torch."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


class Source(Protocol):
    """Counters of one device. `read` must take well under a millisecond and allocate little."""

    name: str

    def read(self) -> dict[str, Any]:
        """The counters now, units in the names."""


@dataclass
class ConditionSeries:
    """What the side thread read, one list of readings per source, and what reading cost."""

    at_s: list[float] = field(default_factory=list)  # since the thread started
    readings: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    cost_s: float = 0.0  # CPU time the thread spent
    failure: str | None = None

    def of(self, source: str, since_s: float = 0.0) -> list[dict[str, Any]]:
        """Readings of one source taken `since_s` or later."""
        return [reading for at, reading in zip(self.at_s, self.readings.get(source, []), strict=False) if at >= since_s]


class Sampler(threading.Thread):
    """Reads every source each `interval_s` until stopped; a failed reading ends the sampling and is kept as a fact."""

    def __init__(
        self, sources: Sequence[Source], interval_s: float = 0.25, heartbeat: Callable[[], None] | None = None
    ) -> None:
        super().__init__(name="conditions", daemon=True)
        self.sources = sources
        self.interval_s = interval_s
        self.heartbeat = heartbeat
        self.series = ConditionSeries(readings={source.name: [] for source in sources})
        self._stopping = threading.Event()
        self._began = time.perf_counter()
        self._reading = threading.Lock()

    def mark(self) -> float:
        """Read now, in the calling thread: the first reading of a window. Returns its time in seconds."""
        self._read()
        return self.series.at_s[-1] if self.series.at_s else 0.0

    def elapsed_s(self) -> float:
        """Seconds since the thread was made, on the axis of `ConditionSeries.at_s`."""
        return time.perf_counter() - self._began

    def run(self) -> None:
        while True:
            self._read()
            if self._stopping.wait(self.interval_s) or self.series.failure is not None:
                return

    def _read(self) -> None:
        with self._reading:
            self._read_alone()

    def _read_alone(self) -> None:
        began = time.thread_time()
        try:
            readings = {source.name: source.read() for source in self.sources}
        except Exception as error:  # a counter that fails must not end the run
            self.series.failure = f"{type(error).__name__}: {error}"
            return
        for name, reading in readings.items():
            self.series.readings[name].append(reading)
        self.series.at_s.append(self.elapsed_s())
        if self.heartbeat is not None:
            self.heartbeat()
        self.series.cost_s += time.thread_time() - began

    def stop(self) -> ConditionSeries:
        """One last reading, then the series. The thread has ended when this returns."""
        self._stopping.set()
        self.join()
        if self.series.failure is None:
            self._read()
        return self.series


def spread(values: Sequence[float | int | None]) -> dict[str, float] | None:
    """Smallest, median and largest of the readable values; None without any."""
    readable = sorted(float(value) for value in values if value is not None)
    if not readable:
        return None
    return {"min": readable[0], "median": readable[len(readable) // 2], "max": readable[-1]}
