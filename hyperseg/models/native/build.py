"""Compiles the C++ sources beside this file for the machine at hand, on first use, and loads them.

Needs GCC or Clang.
"""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from hyperseg.errors import UserError

FLAGS = ("-std=c++17", "-O3", "-march=native", "-ffast-math", "-fno-finite-math-only", "-fopenmp", "-shared", "-fPIC")


@cache
def compiler() -> str | None:
    """The C++ compiler's path: ``CXX`` where it is set, else g++ or clang++; None where there is none."""
    names = [os.environ["CXX"]] if os.environ.get("CXX") else ["g++", "clang++"]
    return next((path for path in map(shutil.which, names) if path), None)


@cache
def compiler_version() -> str | None:
    """The first line of the compiler's ``--version``; None where there is none, and torch's own operators run."""
    cxx = compiler()
    if cxx is None:
        return None
    return subprocess.run([cxx, "--version"], capture_output=True, text=True, check=False).stdout.partition("\n")[0]


def build(name: str, flags: tuple[str, ...] = FLAGS) -> ctypes.CDLL:
    """A source of this folder, built once per machine, compiler and version of the source; kept in the user's cache.

    Raises :class:`UserError` where there is no compiler or it fails.
    """
    source = Path(__file__).with_name(name)
    cxx = compiler()
    if cxx is None:
        raise UserError("the native operators need a C++ compiler; install g++ or set CXX to one")
    headers = [header.read_text() for header in sorted(source.parent.glob("*.h"))]
    identity = "\n".join(
        (source.read_text(), *headers, *flags, compiler_version() or "", platform.processor(), _cpu_features())
    )
    built_name = f"{source.stem}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}.so"
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hyperseg-bench"
    target = folder / built_name
    if not target.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as work:
            built = Path(work) / built_name
            done = subprocess.run(
                [cxx, *flags, str(source), "-o", str(built)], capture_output=True, text=True, check=False
            )
            if done.returncode != 0:
                reason = (done.stderr.strip().splitlines() or ["no message"])[0]
                raise UserError(
                    f"{cxx} could not compile the native operators: {reason}; update it or set CXX to another"
                )
            built.replace(target)  # atomic: two processes may build at once
    return ctypes.CDLL(str(target))


@cache
def _cpu_features() -> str:
    """What ``-march=native`` depends on, so that a cache shared between machines stays right."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.machine())
