"""GPU conditions through NVML, by the device's UUID: NVML's index is not CUDA's.

A counter the board does not have reads as None and is told; one that may not be read is refused before the run.
"""

from functools import cache
from importlib.util import find_spec
from typing import Any

from hyperseg.errors import UserError
from hyperseg.latency.conditions import spread
from hyperseg.records.conditions import GpuSummary

# Bits of nvmlDeviceGetCurrentClocksEventReasons (nvml.h). Idle and application clocks are settings, not slowdowns.
THROTTLE_REASONS: dict[int, str] = {
    0x0000000000000004: "software power cap",
    0x0000000000000008: "hardware slowdown",
    0x0000000000000010: "sync boost",
    0x0000000000000020: "software thermal slowdown",
    0x0000000000000040: "hardware thermal slowdown",
    0x0000000000000080: "hardware power brake",
    0x0000000000000100: "display clock setting",
    0x0000000000000200: "board limit",
    0x0000000000000400: "reliability",
}


def throttle_reasons(mask: int) -> list[str]:
    """The slowdowns in NVML's bit mask, in words; unknown bits are shown as numbers."""
    known = [name for bit, name in THROTTLE_REASONS.items() if mask & bit]
    settings = 0x1 | 0x2  # idle, application clocks
    unknown = mask & ~(sum(THROTTLE_REASONS) | settings)
    return known + ([f"unknown reason {unknown:#x}"] if unknown else [])


def others(pids: list[int], own: int, before: list[int]) -> tuple[list[int], int]:
    """Who else is on the device: (pids that are surely others, how many more there are).

    Inside a container NVML gives the host's pids, so ours may be missing from the list: then one of the pids that came
    after `before` (read when we were not on the device yet) is ours.
    """
    old = [pid for pid in pids if pid in before and pid != own]
    new = [pid for pid in pids if pid not in before and pid != own]
    if own in pids:
        return old + new, 0
    return old, max(0, len(new) - 1)


class NvmlSource:
    """Reads one GPU's counters. `nvml` is the module ``pynvml``, or a recording with its functions."""

    name = "gpu"

    def __init__(self, uuid: str, nvml: Any, own_pid: int) -> None:
        self.uuid = uuid
        self.nvml = nvml
        self.own_pid = own_pid
        self.unreadable: set[str] = set()
        try:
            nvml.nvmlInit()
            self.handle, self.board = self._open(uuid)
            self.before: list[int] = self.read()["pids"] or []  # refuses here, before the run, what may not be read
        except nvml.NVMLError as error:
            raise UserError(
                f"NVML does not open GPU {uuid} ({error}); install the NVIDIA driver's libnvidia-ml, or give the "
                "container the `utility` capability"
            ) from error

    def _open(self, uuid: str) -> tuple[Any, Any]:
        """What has that UUID, and the board that it is a part of: a MIG instance has no clocks of its own."""
        nvml, bare = self.nvml, uuid.removeprefix("GPU-").removeprefix("MIG-")
        try:
            whole = nvml.nvmlDeviceGetHandleByUUID(f"GPU-{bare}")
            return whole, whole
        except nvml.NVMLError as error:
            if error.value != nvml.NVML_ERROR_NOT_FOUND:
                raise
        part = nvml.nvmlDeviceGetHandleByUUID(f"MIG-{bare}")
        return part, nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(part)

    def _pids(self) -> list[int]:
        return [process.pid for process in self.nvml.nvmlDeviceGetComputeRunningProcesses(self.handle)]

    def _read(self, counter: str, function: Any, *arguments: Any) -> Any:
        """The counter's value; None where the board does not have it, or its driver is older than the counter."""
        if counter in self.unreadable:
            return None
        try:
            return function(*arguments)
        except self.nvml.NVMLError as error:
            if error.value == self.nvml.NVML_ERROR_NO_PERMISSION:
                raise UserError(
                    f"NVML does not let this user read the {counter} of GPU {self.uuid}; "
                    "run as a user who may read the GPU's counters, or ask its administrator"
                ) from error
            if error.value in (self.nvml.NVML_ERROR_NOT_SUPPORTED, self.nvml.NVML_ERROR_FUNCTION_NOT_FOUND):
                self.unreadable.add(counter)
                return None
            raise

    def read(self) -> dict[str, Any]:
        nvml, board = self.nvml, self.board
        power = self._read("power", nvml.nvmlDeviceGetPowerUsage, board)
        utilization = self._read("utilization", nvml.nvmlDeviceGetUtilizationRates, board)
        memory = self._read("memory", nvml.nvmlDeviceGetMemoryInfo, self.handle)
        return {
            "sm_clock_mhz": self._read("SM clock", nvml.nvmlDeviceGetClockInfo, board, nvml.NVML_CLOCK_SM),
            "memory_clock_mhz": self._read("memory clock", nvml.nvmlDeviceGetClockInfo, board, nvml.NVML_CLOCK_MEM),
            "temperature_c": self._read("temperature", nvml.nvmlDeviceGetTemperature, board, nvml.NVML_TEMPERATURE_GPU),
            "power_w": None if power is None else power / 1000,
            "utilization_percent": None if utilization is None else utilization.gpu,
            "memory_used_bytes": None if memory is None else memory.used,
            "throttle_mask": self._read("throttle reasons", nvml.nvmlDeviceGetCurrentClocksEventReasons, board),
            "pids": self._read("processes", self._pids),
        }

    def summarise(self, readings: list[dict[str, Any]]) -> GpuSummary:
        """The conditions over `readings`."""
        return summarise(readings, self.uuid, self.own_pid, self.before, sorted(self.unreadable))


def installed() -> bool:
    """Whether the package nvidia-ml-py is there; without it a number is DEGRADED, as nothing is known of its GPU."""
    return find_spec("pynvml") is not None


@cache
def open_nvml(uuid: str, own_pid: int) -> NvmlSource:
    """The counters of the GPU with that UUID (as CUDA gives it, with or without a prefix).

    One for all calls of a process, whose first comes before it is on the GPU: in a container it cannot name itself, and
    would find itself there before.
    """
    import pynvml

    return NvmlSource(uuid, pynvml, own_pid)


def summarise(
    readings: list[dict[str, Any]], uuid: str, own: int, before: list[int], unreadable: list[str]
) -> GpuSummary:
    """The conditions over recorded `readings` of one GPU."""
    masks = [reading["throttle_mask"] for reading in readings if reading["throttle_mask"] is not None]
    shown: dict[str, int] = {}
    for mask in masks:
        for reason in throttle_reasons(mask):
            shown[reason] = shown.get(reason, 0) + 1
    lists = [reading["pids"] for reading in readings if reading["pids"] is not None]
    found = [others(pids, own, before) for pids in lists]
    return GpuSummary(
        readings=len(readings),
        uuid=uuid,
        sm_clock_mhz=spread([reading["sm_clock_mhz"] for reading in readings]),
        memory_clock_mhz=spread([reading["memory_clock_mhz"] for reading in readings]),
        temperature_c=spread([reading["temperature_c"] for reading in readings]),
        power_w=spread([reading["power_w"] for reading in readings]),
        utilization_percent=spread([reading["utilization_percent"] for reading in readings]),
        memory_used_bytes=spread([reading["memory_used_bytes"] for reading in readings]),
        throttle_percent={reason: round(100 * count / len(masks), 1) for reason, count in shown.items()}
        if masks
        else None,
        other_processes=sorted({pid for pids, _ in found for pid in pids}) if lists else None,
        unnamed_processes=max((count for _, count in found), default=0),
        unreadable=unreadable,
    )
