"""The devices of this machine, as the session sees them. Asks CUDA only in a process that ends at once.

A CUDA context in the session's own process would sit on the GPU during the run, as another process.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from hyperseg.errors import UserError
from hyperseg.latency.lock import cpu_key

Kind = Literal["cpu", "cuda"]

# Other GPUs are not queried: one that is full or in exclusive use would raise an error.
_ASK_CUDA = """
import json, sys, torch
index, count = int(sys.argv[1]), torch.cuda.device_count() if torch.cuda.is_available() else 0
found = None
if index < count:
    properties = torch.cuda.get_device_properties(index)
    found = [str(properties.uuid), properties.name, torch.cuda.mem_get_info(index)[0]]
print(json.dumps([torch.version.cuda, count, found]))
"""


@dataclass(frozen=True)
class Device:
    """One device; `index` is CUDA's."""

    kind: Kind
    index: int
    name: str
    lock_key: str
    free_bytes: int


def find_device(text: str) -> Device:
    """The device 'cpu', 'cuda' or 'cuda:N'; a :class:`UserError` where it is not there."""
    kind, index = parse_device(text)
    if kind == "cpu":
        return Device("cpu", 0, "this machine's CPU", cpu_key(), free_memory())
    version, count, found = _cuda_device(index)
    if not count:
        why = "torch was built without CUDA" if version is None else "no NVIDIA GPU and driver answer"
        raise UserError(f"there is no CUDA device here ({why}); give --device cpu, or run on a machine with a GPU")
    if found is None:
        raise UserError(f"there is no device cuda:{index}; this machine has {count}, from cuda:0")
    uuid, name, free = found
    return Device("cuda", index, f"GPU {name} ({uuid})", f"gpu-{uuid}", free)


def parse_device(text: str) -> tuple[Kind, int]:
    """Kind and CUDA index of a device's name."""
    kind, _, index = text.partition(":")
    if text == "cpu":
        return "cpu", 0
    if kind == "cuda" and (text == "cuda" or index.isdecimal()):
        return "cuda", int(index or 0)
    raise UserError(f"unknown device '{text}'; choose cpu, cuda or cuda:N")


def free_memory() -> int:
    """Bytes a process could still take: the machine's, or its control group's where that is less."""
    table = Path("/proc/meminfo")
    fields = dict(line.split(":") for line in table.read_text().splitlines()) if table.exists() else {}
    free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if "MemAvailable" in fields:
        free = 1024 * int(fields["MemAvailable"].split()[0])
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if limit.exists() and used.exists() and limit.read_text().strip() != "max":
        free = min(free, int(limit.read_text()) - int(used.read_text()))
    return free


@cache
def _cuda_device(index: int) -> tuple[str | None, int, tuple[str, str, int] | None]:
    """torch's CUDA version, the number of devices, and (UUID, name, free bytes) of one, by CUDA's index."""
    done = subprocess.run([sys.executable, "-c", _ASK_CUDA, str(index)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"CUDA does not start here ({last}); give --device cpu, or repair the driver")
    version, count, found = json.loads(done.stdout.splitlines()[-1])
    return version, count, found and tuple(found)
