"""CPU conditions: load of other processes, stolen time, frequency, affinity, governor. Linux's /proc and /sys.

The load of others is what all processors were busy with, less what this process used itself, in percent of the time of
the processors this process may run on. It is taken over the whole timed window, where the kernel's 10 ms ticks do not
matter, and between readings for its largest value.
"""

import os
import resource
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hyperseg.errors import UserError
from hyperseg.latency.conditions import spread
from hyperseg.records.conditions import CpuSummary

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
FREQUENCIES_READ = 8  # reading a core's frequency interrupts that core, so only a few are read


class CpuSource:
    """Reads the processors' counters; `proc` and `sys` are the mount points of those file systems."""

    name = "cpu"

    def __init__(self, proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> None:
        self.affinity = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self._stat = proc / "stat"
        self._cpus = sys / "devices/system/cpu"
        self._frequency_files = [
            path
            for cpu in self.affinity[:FREQUENCIES_READ]
            if (path := self._cpus / f"cpu{cpu}/cpufreq/scaling_cur_freq").exists()
        ]
        self._temperature = _package_temperature(sys)
        self._throttle_files = list(self._cpus.glob("cpu[0-9]*/thermal_throttle/package_throttle_count"))
        try:
            self.read()
        except (OSError, ValueError, KeyError) as error:
            raise UserError(
                f"the load of other processes cannot be read from {self._stat} ({error}); "
                "time where /proc/stat is readable, on the host or in a container that shows it"
            ) from error

    def read(self) -> dict[str, Any]:
        busy, stolen, total = parse_stat(self._stat.read_text(), self.affinity)
        return {
            "at_ns": time.perf_counter_ns(),
            "own_s": time.process_time(),
            "busy_s": busy[0],
            "elsewhere_busy_s": busy[1],
            "elsewhere_total_s": total[1],
            "stolen_s": stolen,
            "frequency_mhz": self._frequency_mhz(),
            "temperature_c": _read_number(self._temperature, 1e-3),
        }

    def _frequency_mhz(self) -> float | None:
        values = [_read_number(path, 1e-3) for path in self._frequency_files]
        readable = [value for value in values if value is not None]
        return min(readable) if readable else None

    def throttle_events(self) -> int | None:
        """Thermal throttle events of the packages since boot; None where the kernel does not count them."""
        counts = [_read_number(path, 1) for path in self._throttle_files]
        readable = [int(count) for count in counts if count is not None]
        return max(readable) if readable else None

    def governor(self) -> str | None:
        """The frequency governor of the first processor we may use; None where there is none to set."""
        path = self._cpus / f"cpu{self.affinity[0] if self.affinity else 0}/cpufreq/scaling_governor"
        return path.read_text().strip() if path.exists() else None

    def boost(self) -> bool | None:
        """Whether turbo is on; None where it cannot be told."""
        no_turbo, boost = self._cpus / "intel_pstate/no_turbo", self._cpus / "cpufreq/boost"
        if no_turbo.exists():
            return _read_number(no_turbo, 1) == 0
        return _read_number(boost, 1) == 1 if boost.exists() else None


def parse_stat(text: str, affinity: list[int]) -> tuple[tuple[float, float], float, tuple[float, float]]:
    """Seconds from /proc/stat: (busy on `affinity`, busy elsewhere), stolen from `affinity`, (total, total elsewhere).

    Busy is user, nice, system and interrupt time; waiting for a disk is idle. An empty `affinity` means all processors.
    """
    busy, stolen, total = [0.0, 0.0], 0.0, [0.0, 0.0]
    for line in text.splitlines():
        name, *fields = line.split()
        if not name.startswith("cpu"):
            break  # the processors come first
        if name == "cpu":
            continue
        user, nice, system, idle, iowait, irq, softirq, steal = (int(value) for value in fields[:8])
        side = 0 if not affinity or int(name[3:]) in affinity else 1
        busy[side] += (user + nice + system + irq + softirq) / TICKS_PER_SECOND
        total[side] += (user + nice + system + idle + iowait + irq + softirq + steal) / TICKS_PER_SECOND
        stolen += steal / TICKS_PER_SECOND if side == 0 else 0.0
    if not total[0]:
        raise ValueError("it lists none of our processors")
    return (busy[0], busy[1]), stolen, (total[0], total[1])


@dataclass(frozen=True)
class Edge:
    """What is read once before and once after the timed window, where it costs nothing."""

    throttle_events: int | None
    involuntary_switches: int
    process_seconds: dict[int, tuple[str, float]]  # CPU seconds by pid, of processes that may run where we may

    @classmethod
    def read(cls, source: CpuSource) -> "Edge":
        switches = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
        seconds: dict[int, tuple[str, float]] = {}
        if find_spec("psutil") is None:  # in a source tree with nothing installed: the load is known, not whose it is
            return cls(source.throttle_events(), switches, seconds)
        import psutil

        for process in psutil.process_iter(["name", "cpu_times", "cpu_affinity"]):
            times, allowed = process.info["cpu_times"], process.info["cpu_affinity"]
            elsewhere = allowed is not None and source.affinity and not set(allowed) & set(source.affinity)
            if times is not None and process.pid != os.getpid() and not elsewhere:
                seconds[process.pid] = (process.info["name"] or "?", times.user + times.system)
        return cls(source.throttle_events(), switches, seconds)


def neighbours(before: Edge, after: Edge, window_s: float) -> list[dict[str, Any]]:
    """The ten processes that used most CPU between the edges, in percent of one processor; none under 1 %."""
    used: list[dict[str, Any]] = []
    for pid, (name, seconds) in after.process_seconds.items():
        percent = 100 * (seconds - before.process_seconds.get(pid, (name, 0.0))[1]) / window_s
        if percent >= 1:
            used.append({"pid": pid, "name": name, "cpu_percent": round(percent, 1)})
    return sorted(used, key=lambda item: item["cpu_percent"], reverse=True)[:10]


def summarise(readings: list[dict[str, Any]], source: CpuSource, before: Edge, after: Edge) -> CpuSummary:
    """The conditions over the window that `readings` span (at least two)."""
    processors = len(source.affinity) or (os.cpu_count() or 1)
    window_s = (readings[-1]["at_ns"] - readings[0]["at_ns"]) / 1e9
    elsewhere = readings[-1]["elsewhere_total_s"] - readings[0]["elsewhere_total_s"]
    steps = [others_load_percent(a, b, processors) for a, b in long_steps(readings)]
    counted = None not in (before.throttle_events, after.throttle_events)
    return CpuSummary(
        readings=len(readings),
        window_s=round(window_s, 3),
        others_load_percent=round(others_load_percent(readings[0], readings[-1], processors), 2),
        others_load_max_percent=round(max(steps), 2),
        stolen_percent=round(100 * (readings[-1]["stolen_s"] - readings[0]["stolen_s"]) / (window_s * processors), 2),
        elsewhere_load_percent=round(
            100 * (readings[-1]["elsewhere_busy_s"] - readings[0]["elsewhere_busy_s"]) / elsewhere, 2
        )
        if elsewhere
        else None,
        frequency_mhz=spread([reading["frequency_mhz"] for reading in readings]),
        temperature_c=spread([reading["temperature_c"] for reading in readings]),
        throttle_events=(after.throttle_events or 0) - (before.throttle_events or 0) if counted else None,
        involuntary_switches=after.involuntary_switches - before.involuntary_switches,
        affinity=source.affinity,
        governor=source.governor(),
        boost=source.boost(),
        load_average_1min=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        neighbours=neighbours(before, after, window_s),
    )


def long_steps(readings: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Pairs of readings at least 0.9 s apart, where a 10 ms tick is about 1 %; else the whole window."""
    pairs, first = [], readings[0]
    for reading in readings[1:]:
        if (reading["at_ns"] - first["at_ns"]) / 1e9 >= 0.9:
            pairs.append((first, reading))
            first = reading
    return pairs or [(readings[0], readings[-1])]


def others_load_percent(first: dict[str, Any], last: dict[str, Any], processors: int) -> float:
    """Load of other processes between two readings, in percent of the time of `processors` processors."""
    seconds = (last["at_ns"] - first["at_ns"]) / 1e9
    others = (last["busy_s"] - first["busy_s"]) - (last["own_s"] - first["own_s"])
    return max(0.0, 100 * others / (seconds * processors))


def _package_temperature(sys: Path) -> Path | None:
    for zone in sorted((sys / "class/thermal").glob("thermal_zone*")):
        kind = zone / "type"
        if kind.exists() and kind.read_text().strip() in {"x86_pkg_temp", "cpu-thermal", "cpu_thermal"}:
            return zone / "temp"
    return None


def _read_number(path: Path | None, scale: float) -> float | None:
    if path is None:
        return None
    try:
        return int(path.read_text()) * scale
    except (OSError, ValueError):
        return None
