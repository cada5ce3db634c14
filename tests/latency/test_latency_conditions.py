"""Conditions: /proc/stat by hand, NVML's answers from a recording, and the real side thread on the real machine."""

import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from hyperseg.errors import UserError
from hyperseg.latency import conditions_cpu, conditions_nvml
from hyperseg.latency.conditions import Sampler, spread

STAT = """cpu  400 0 100 1000 0 0 0 40 0 0
cpu0 300 0 60 100 5 10 20 30 0 0
cpu1 100 0 40 900 0 0 0 10 0 0
intr 1
"""
TICK = 1 / conditions_cpu.TICKS_PER_SECOND


def test_busy_time_is_split_at_the_affinity() -> None:
    busy, stolen, total = conditions_cpu.parse_stat(STAT, [0])
    assert busy == (pytest.approx(390 * TICK), pytest.approx(140 * TICK))
    assert stolen == pytest.approx(30 * TICK)
    assert total[1] == pytest.approx(1050 * TICK)


def test_a_stat_without_our_processors_is_refused() -> None:
    with pytest.raises(ValueError, match="none of our processors"):
        conditions_cpu.parse_stat(STAT, [7])


def test_unreadable_counters_are_refused_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"the load of other processes cannot be read from .*stat"):
        conditions_cpu.CpuSource(proc=tmp_path)


def reading(at_s: float, busy_s: float, own_s: float, stolen_s: float = 0.0) -> dict[str, Any]:
    return {
        "at_ns": round(at_s * 1e9),
        "own_s": own_s,
        "busy_s": busy_s,
        "elsewhere_busy_s": 0.0,
        "elsewhere_total_s": 0.0,
        "stolen_s": stolen_s,
        "frequency_mhz": None,
        "temperature_c": None,
    }


def test_load_of_others_is_busy_time_less_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    source = conditions_cpu.CpuSource()
    monkeypatch.setattr(source, "affinity", [0, 1])
    before = conditions_cpu.Edge(None, 3, {7: ("make", 1.0), 8: ("idle", 2.0)})
    after = conditions_cpu.Edge(None, 5, {7: ("make", 2.5), 8: ("idle", 2.0), 9: ("new", 0.4)})
    readings = [reading(0, 10, 5), reading(1, 12, 6), reading(2, 13, 7, stolen_s=0.4)]
    summary = conditions_cpu.summarise(readings, source, before, after)
    assert summary.others_load_percent == 25  # 1 s of others on two processors in 2 s
    assert summary.others_load_max_percent == 50  # all of it in the first second
    assert summary.stolen_percent == 10
    assert summary.involuntary_switches == 2
    assert summary.throttle_events is None
    assert [(item["pid"], item["cpu_percent"]) for item in summary.neighbours] == [(7, 75.0), (9, 20.0)]


def test_spread_leaves_out_what_was_not_readable() -> None:
    assert spread([None, 3, 1, 2]) == {"min": 1, "median": 2, "max": 3}
    assert spread([None, None]) is None


class Counting:
    """A source that counts its readings and fails at the one asked for."""

    name = "counting"

    def __init__(self, fails_at: int | None = None) -> None:
        self.count = 0
        self.fails_at = fails_at

    def read(self) -> dict[str, Any]:
        self.count += 1
        if self.count == self.fails_at:
            raise OSError("gone")
        return {"count": self.count}


def test_the_side_thread_reads_at_its_interval_and_at_the_marks() -> None:
    sampler = Sampler([Counting(), conditions_cpu.CpuSource()], interval_s=0.02)
    sampler.start()
    time.sleep(0.1)
    opened_s = sampler.mark()
    time.sleep(0.1)
    series = sampler.stop()
    window = series.of("counting", opened_s)
    assert 2 <= len(window) < len(series.of("counting"))
    assert len(series.of("cpu")) == len(series.at_s)
    assert series.failure is None
    assert series.cost_s > 0
    assert not sampler.is_alive()


def test_a_counter_that_goes_away_is_a_fact_and_no_crash() -> None:
    sampler = Sampler([Counting(fails_at=2)], interval_s=0.01)
    sampler.start()
    sampler.join(timeout=10)
    series = sampler.stop()
    assert series.failure == "OSError: gone"
    assert len(series.of("counting")) == 1


@pytest.mark.parametrize(
    ("mask", "reasons"),
    [
        (0x0, []),
        (0x3, []),  # idle and application clocks are settings
        (0x4, ["software power cap"]),
        (0x48, ["hardware slowdown", "hardware thermal slowdown"]),
        (0x1000, ["unknown reason 0x1000"]),
    ],
)
def test_throttle_bits_in_words(mask: int, reasons: list[str]) -> None:
    assert conditions_nvml.throttle_reasons(mask) == reasons


def test_throttle_bits_are_nvmls() -> None:
    import pynvml

    known = set(conditions_nvml.THROTTLE_REASONS)
    assert pynvml.nvmlClocksEventReasonSwPowerCap in known
    assert pynvml.nvmlClocksThrottleReasonHwThermalSlowdown in known
    assert sum(known) + 0x3 == pynvml.nvmlClocksThrottleReasonAll


@pytest.mark.parametrize(
    ("pids", "before", "expected"),
    [
        ([10], [], ([], 0)),  # ours alone
        ([10, 20], [], ([20], 0)),  # another one by its pid
        ([500], [], ([], 0)),  # in a container: the one new pid is ours
        ([500, 501], [], ([], 1)),  # two new ones: one of them is not
        ([400, 500], [400], ([400], 0)),  # there before us
        ([], [], ([], 0)),  # in a container that shows none
    ],
)
def test_others_on_the_gpu(pids: list[int], before: list[int], expected: tuple[list[int], int]) -> None:
    assert conditions_nvml.others(pids, own=10, before=before) == expected


class RecordedNvml:
    """NVML's functions with recorded answers, and errors where `errors` names the function."""

    NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU = 1, 2, 0
    NVML_ERROR_NO_PERMISSION, NVML_ERROR_NOT_SUPPORTED, NVML_ERROR_NOT_FOUND = 4, 3, 6
    NVML_ERROR_FUNCTION_NOT_FOUND, NVML_ERROR_GPU_IS_LOST = 13, 15

    class NVMLError(Exception):
        def __init__(self, value: int) -> None:
            super().__init__(f"NVML error {value}")
            self.value = value

    ANSWERS: ClassVar[dict[str, Any]] = {
        "nvmlInit": None,
        "nvmlDeviceGetHandleByUUID": "handle",
        "nvmlDeviceGetClockInfo": 1980,
        "nvmlDeviceGetTemperature": 45,
        "nvmlDeviceGetPowerUsage": 350_000,
        "nvmlDeviceGetUtilizationRates": SimpleNamespace(gpu=97),
        "nvmlDeviceGetMemoryInfo": SimpleNamespace(used=2**30),
        "nvmlDeviceGetCurrentClocksEventReasons": 0x4,
        "nvmlDeviceGetComputeRunningProcesses": [SimpleNamespace(pid=77)],
    }

    def __init__(self, **errors: int) -> None:
        self.errors = errors

    def __getattr__(self, name: str) -> Any:
        def function(*arguments: Any) -> Any:
            if name in self.errors:
                raise self.NVMLError(self.errors[name])
            return self.ANSWERS[name]

        return function


def test_a_gpus_summary_from_recorded_answers() -> None:
    source = conditions_nvml.NvmlSource("GPU-1", RecordedNvml(), own_pid=10)
    summary = source.summarise([source.read(), source.read()])
    assert summary.power_w == {"min": 350, "median": 350, "max": 350}
    assert summary.throttle_percent == {"software power cap": 100}
    assert summary.other_processes == [77]
    assert summary.unreadable == []


@pytest.mark.parametrize("error", [RecordedNvml.NVML_ERROR_NOT_SUPPORTED, RecordedNvml.NVML_ERROR_FUNCTION_NOT_FOUND])
def test_a_counter_the_board_or_its_driver_lacks_is_told_and_not_refused(error: int) -> None:
    nvml = RecordedNvml(nvmlDeviceGetCurrentClocksEventReasons=error)
    source = conditions_nvml.NvmlSource("GPU-1", nvml, own_pid=10)
    summary = source.summarise([source.read()])
    assert summary.throttle_percent is None
    assert summary.unreadable == ["throttle reasons"]


def test_a_process_in_a_container_that_opens_its_gpu_again_is_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """There NVML names it by the host's pid, 500, as soon as it is on the GPU."""
    nvml = RecordedNvml()
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    monkeypatch.setattr(nvml, "ANSWERS", nvml.ANSWERS | {"nvmlDeviceGetComputeRunningProcesses": []}, raising=False)
    conditions_nvml.open_nvml("again", 10)
    nvml.ANSWERS["nvmlDeviceGetComputeRunningProcesses"] = [SimpleNamespace(pid=500)]
    source = conditions_nvml.open_nvml("again", 10)
    summary = source.summarise([source.read()])
    assert (summary.other_processes, summary.unnamed_processes) == ([], 0)


def test_a_missing_permission_is_refused_before_the_run() -> None:
    nvml = RecordedNvml(nvmlDeviceGetComputeRunningProcesses=RecordedNvml.NVML_ERROR_NO_PERMISSION)
    with pytest.raises(UserError, match="does not let this user read the processes of GPU GPU-1"):
        conditions_nvml.NvmlSource("GPU-1", nvml, own_pid=10)


@pytest.mark.parametrize(
    "errors",
    [
        {"nvmlDeviceGetHandleByUUID": RecordedNvml.NVML_ERROR_NOT_FOUND},
        {"nvmlDeviceGetPowerUsage": RecordedNvml.NVML_ERROR_GPU_IS_LOST},
    ],
)
def test_a_gpu_that_is_unknown_or_lost_is_refused(errors: dict[str, int]) -> None:
    nvml = RecordedNvml(**errors)
    with pytest.raises(UserError, match="NVML does not open GPU GPU-1"):
        conditions_nvml.NvmlSource("GPU-1", nvml, own_pid=10)


class SharedNvml(RecordedNvml):
    """Of a GPU in MIG mode: an instance has an UUID of its own kind, memory and processes, the board all else."""

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:
        if uuid != "MIG-1":
            raise self.NVMLError(self.NVML_ERROR_NOT_FOUND)
        return "instance"

    def nvmlDeviceGetDeviceHandleFromMigDeviceHandle(self, handle: str) -> str:
        assert handle == "instance"
        return "board"

    def __getattr__(self, name: str) -> Any:
        of_instance = name in ("nvmlDeviceGetMemoryInfo", "nvmlDeviceGetComputeRunningProcesses")

        def function(*arguments: Any) -> Any:
            if arguments and arguments[0] != ("instance" if of_instance else "board"):
                raise self.NVMLError(self.NVML_ERROR_NOT_SUPPORTED)
            return self.ANSWERS[name]

        return function


def test_an_instance_of_a_shared_gpu_is_found_and_its_clocks_are_the_boards() -> None:
    """CUDA gives an instance's UUID as it gives a GPU's, without a prefix."""
    source = conditions_nvml.NvmlSource("1", SharedNvml(), own_pid=10)
    summary = source.summarise([source.read()])
    assert summary.unreadable == []
    assert summary.sm_clock_mhz == {"min": 1980, "median": 1980, "max": 1980}
