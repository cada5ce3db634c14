"""Compiles the C++ sources beside this file for the machine at hand, on first use, and loads them.

Needs GCC or Clang.
"""

import atexit
import ctypes
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from hyperseg.errors import UserError

FLAGS = ("-std=c++17", "-O3", "-march=native", "-ffast-math", "-fno-finite-math-only", "-fopenmp", "-fPIC")
# Linked without -ffast-math, which would switch off denormal numbers for the whole process.
LINK = ("-shared", "-fopenmp")


@cache
def compiler() -> tuple[str, ...] | None:
    """The C++ compiler's command: ``CXX`` where it is set, else g++ or clang++; None where there is none."""
    commands = [shlex.split(os.environ["CXX"])] if os.environ.get("CXX") else [["g++"], ["clang++"]]
    return next((tuple(command) for command in commands if command and shutil.which(command[0])), None)


@cache
def compiler_version() -> str | None:
    """The first line of the compiler's ``--version``; None where there is none, and torch's own operators run."""
    cxx = compiler()
    if cxx is None:
        return None
    return subprocess.run([*cxx, "--version"], capture_output=True, text=True, check=False).stdout.partition("\n")[0]


def build(name: str, flags: tuple[str, ...] = FLAGS) -> ctypes.CDLL:
    """A source of this folder, compiled once per machine, compiler, flags and text; kept in the user's cache.

    Raises :class:`UserError` where there is no compiler or it fails.
    """
    source = Path(__file__).with_name(name)
    cxx = compiler()
    if cxx is None:
        raise UserError("the native operators need a C++ compiler; install g++ or set CXX to one")
    headers = [header.read_text() for header in sorted(source.parent.glob("*.h"))]
    machine = (compiler_version() or "", platform.processor(), _cpu_features())
    identity = "\n".join((source.read_text(), *headers, *cxx, *flags, *LINK, *machine))
    folder = _folder()
    target = folder / f"{source.stem}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}.so"
    try:
        if not target.is_file():
            _compile(source, cxx, flags, target)
        return ctypes.CDLL(str(target))
    except OSError as error:
        raise UserError(
            f"the native operators cannot be kept or loaded: {error}; set XDG_CACHE_HOME to a folder "
            "that can be written and run from"
        ) from error


def _compile(source: Path, cxx: tuple[str, ...], flags: tuple[str, ...], target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as work:
        compiled, linked = Path(work) / "source.o", Path(work) / target.name
        for command in (
            [*cxx, *flags, "-c", str(source), "-o", str(compiled)],
            [*cxx, *LINK, str(compiled), "-o", str(linked)],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                said = done.stderr.strip().splitlines()
                reason = next((line for line in said if "error" in line), said[0] if said else "no message")
                raise UserError(
                    f"{cxx[0]} could not compile the native operators: {reason}; update it or set CXX to another"
                )
        with linked.open("rb") as file:
            os.fsync(file.fileno())  # a file cut short by a power failure would end every later process
        linked.replace(target)  # atomic: two processes may build at once


@cache
def _folder() -> Path:
    """Where libraries are kept: the user's cache, or where that cannot be written, a folder for this process alone."""
    try:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hyperseg-bench"
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK | os.X_OK):
            return folder
    except (OSError, RuntimeError):  # no home at all
        pass
    own = tempfile.mkdtemp(prefix="hyperseg-bench-")
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    return Path(own)


@cache
def _cpu_features() -> str:
    """What ``-march=native`` depends on, so that a cache shared between machines stays right."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.machine())
