"""Machine code of a kernel call for an H100 or H200, built and counted without a GPU."""

import math
import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import triton

from hyperseg.kernels.triton.launch import HOPPER, Launch, ceil_div

_TOOL = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
_USAGE = re.compile(r"REG:(\d+) STACK:(\d+) SHARED:(\d+) LOCAL:(\d+)")
_LINE = re.compile(r"/\*([0-9a-f]{4,})\*/\s+([^;]+);")
_BRANCH = re.compile(r"\bBRA\b.*?0x([0-9a-f]+)")
_WAIT, _LET_IN = re.compile(r"\bACQBULK\b"), re.compile(r"\bPREEXIT\b")  # griddepcontrol.wait and .launch_dependents
_MEMORY = re.compile(r"\b(LD|LDG|LDGSTS|ST|STG|ATOM|ATOMG|RED|REDG|UBLKCP|UTMALDG|UTMASTG)\b")
_ATOMIC = re.compile(r"\b(ATOM[GS]?|REDG?)\.")  # not REDUX, which is a warp's own

# How often the loops of a kernel run, the outer one first, from its constants.
_TRIPS: dict[str, Callable[[dict[str, Any]], tuple[int, ...]]] = {
    "product": lambda c: (ceil_div(c["K"], c["BK"]),),
    "joined_product": lambda c: (ceil_div(c["K"], c["BK"]) * (c["SEGMENTS"] if c["ROWS"] == 1 else 1),),
    "generate": lambda c: (2,),  # most tiles of the row lie in one or two groups
    "depthwise": lambda c: (c["TILES"], c["SIZE"]),
    "squeeze": lambda c: (ceil_div(c["PARTS"] * c["C"], c["BLOCK"]),),
    "map_mean": lambda c: (ceil_div(c["P"], c["BP"]),),
    "finish_level": lambda c: (ceil_div(c["N"], c["BN"]), 3),
    "upsample": lambda c: (c["EACH"],),
    "classify": lambda c: (c["PLANES"] - 1,),
    "classify_twice_as_large": lambda c: (c["PLANES"] - 1,),
}


@dataclass(frozen=True)
class MachineCode:
    """Of one kernel call; ``instructions`` are those that one warp runs, each loop counted as often as it runs."""

    size: int  # instructions of the program
    registers: int
    spilled_bytes: int  # of a thread
    shared_bytes: int
    instructions: int
    atomics: int  # instructions whose order of arrival could change a sum
    waits: bool  # for the kernel before, ahead of every access to global memory, and then lets the next one in


def build(launch: Launch) -> MachineCode:
    """Compile for sm_90 with the assembler that comes with Triton; results are kept in Triton's cache."""
    compiled = triton.compile(launch.source(), target=HOPPER, options=launch.options)
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(compiled.asm["cubin"])
        file.flush()
        usage, listing = (
            subprocess.run([_TOOL, option, file.name], capture_output=True, text=True, check=True).stdout
            for option in ("-res-usage", "-sass")
        )
    found = _USAGE.search(usage)
    assert found is not None, usage
    registers, stack, _, local = (int(number) for number in found.groups())
    trips = _TRIPS.get(launch.kernel.__name__, lambda constants: ())(launch.constants)
    code = [(int(address, 16), text) for address, text in _LINE.findall(listing) if not text.startswith("NOP")]
    run = _run(code, [count for count in trips if count > 1])
    atomics = sum(bool(_ATOMIC.search(text)) for _, text in code)
    wait, let_in, memory = (_first(code, pattern) for pattern in (_WAIT, _LET_IN, _MEMORY))
    waits = wait < let_in < math.inf and wait < memory < math.inf
    return MachineCode(len(code), registers, stack + local, compiled.metadata.shared, run, atomics, waits)


def _first(code: list[tuple[int, str]], pattern: re.Pattern[str]) -> float:
    """Place of the first instruction of that kind; infinite where there is none."""
    return next((index for index, (_, text) in enumerate(code) if pattern.search(text)), math.inf)


def _run(code: list[tuple[int, str]], trips: list[int]) -> int:
    """Instructions that run: those of a loop as often as it does, those of a loop in it as often as both.

    The compiler unrolls inner loops before outer ones, so the loops that are left take ``trips`` from the outer one on.
    """
    branches = [(address, _BRANCH.search(text)) for address, text in code]
    loops = [(int(branch[1], 16), address) for address, branch in branches if branch and int(branch[1], 16) < address]
    depths = [sum(first <= address <= last for first, last in loops) for address, _ in code]
    return sum(math.prod(trips[:depth]) for depth in depths)


def programs(launch: Launch) -> int:
    return math.prod(launch.grid)
