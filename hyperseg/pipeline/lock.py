"""One run at a time in a checkout; the lock of a dead run is cleared automatically.

A lock is taken over as soon as its owner is gone, and this is said. Snakemake's own lock is not enough: a second
Snakemake with nothing to do removes the first one's, and one that was killed leaves its lock for good.
"""

import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from hyperseg.errors import UserError
from hyperseg.files import write_text_atomic

LOCK_FILE = Path(".snakemake/hyperseg.lock")
RUN_FILE = Path(".snakemake/hyperseg.run.json")  # the wrapper's process and the engine's
SNAKEMAKE_LOCKS = Path(".snakemake/locks")
MACHINE_FILE = Path(".snakemake/hyperseg.machine")  # on which the locks were made
GRACE_S = 30.0  # for jobs of a dead run to save what they have


def _say(text: str) -> None:
    print(text, file=sys.stderr)


class RunLock:
    """The lock of a run, held; it knows the processes of the run for those who come later."""

    def __init__(self, root: Path) -> None:
        self._file = root / RUN_FILE
        self._processes = {"run": _identity(os.getpid())}
        self._write()

    def record_engine(self, pid: int) -> None:
        """Write down the process that runs the jobs; it leads their process group."""
        self._processes["engine"] = _identity(pid)
        self._write()

    def _write(self) -> None:
        write_text_atomic(self._file, json.dumps(self._processes))


@contextmanager
def run_lock(root: Path = Path(), say: Callable[[str], None] = print) -> Iterator[RunLock]:
    """Hold the lock of a checkout. What a dead run left is cleared away, and `say` gets a sentence about it.

    Raises :class:`UserError` naming the process of the run or the engine that is at work.
    """
    path = root / LOCK_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        holder = _read(root).get("run", {}).get("pid", "unknown")
        raise UserError(
            f"another run (process {holder}) is at work in {root.resolve()}; wait for it to end or stop that process"
        ) from error
    try:
        _take_over(root, _read(root).get("engine"), say)
        yield RunLock(root)
    finally:
        lock.release()


def _take_over(root: Path, engine: dict[str, Any] | None, say: Callable[[str], None]) -> None:
    """Clear away what a dead run left: jobs without an engine, and Snakemake's lock."""
    if engine and _alive(engine):
        raise UserError(
            f"Snakemake (process {engine['pid']}) of a run that was killed is still at work in {root.resolve()}; "
            f"wait for it to end, or stop it and its jobs with `kill -INT -- -{engine['pid']}`"
        )
    jobs = _of_group(engine["pid"], root) if engine else []
    if jobs:
        say(f"stopping {len(jobs)} jobs that a killed run left at work: {', '.join(str(job.pid) for job in jobs)}")
        for job in jobs:
            _quietly(job.terminate)
        for job in psutil.wait_procs(jobs, timeout=GRACE_S)[1]:
            _quietly(job.kill)
    if not _locks(root):
        return
    if other := _snakemake_at_work(root):
        raise UserError(
            f"another Snakemake (process {other.pid}) is at work in {root.resolve()}; "
            "wait for it to end or stop that process"
        )
    _remove_locks(root, say)


def take_over_lock(root: Path = Path(), say: Callable[[str], None] = _say) -> None:
    """The same for a Snakemake that DVC starts, without `hyperseg run`; called before it locks the folder.

    A lock that was made on another machine stays, since nobody here sees whether its owner lives.
    """
    machine = root / MACHINE_FILE
    if _locks(root):
        ours = machine.is_file() and machine.read_text(encoding="utf-8") == platform.node()
        if not ours or _snakemake_at_work(root):
            return
        _remove_locks(root, say)
    write_text_atomic(machine, platform.node())


def _locks(root: Path) -> list[Path]:
    return list((root / SNAKEMAKE_LOCKS).glob("*.lock"))


def _remove_locks(root: Path, say: Callable[[str], None]) -> None:
    say("a killed run left Snakemake's lock behind; no Snakemake is at work here, so it is taken over")
    for file in _locks(root):
        file.unlink(missing_ok=True)


def _identity(pid: int) -> dict[str, Any]:
    """A process id and its start time, since ids are reused."""
    return {"pid": pid, "started": psutil.Process(pid).create_time()}


def _alive(identity: dict[str, Any]) -> bool:
    try:
        process = psutil.Process(identity["pid"])
        return bool(process.create_time() == identity["started"] and process.status() != psutil.STATUS_ZOMBIE)
    except (psutil.Error, KeyError):
        return False


def _of_group(group: int, root: Path) -> list[psutil.Process]:
    """Processes of a process group that work in this checkout."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and Path(process.cwd()) == root.resolve():
                found.append(process)
        except (OSError, psutil.Error):
            continue
    return found


def _snakemake_at_work(root: Path) -> psutil.Process | None:
    """Another Snakemake that works in this checkout, on this machine, for this user to see."""
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        try:
            called = any("snakemake" in Path(word).parts[-2:] for word in process.cmdline()[:4])
            if called and Path(process.cwd()) == root.resolve():
                return process
        except (OSError, psutil.Error):
            continue
    return None


def _read(root: Path) -> dict[str, Any]:
    try:
        found = json.loads((root / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _quietly(action: Callable[[], None]) -> None:
    try:
        action()
    except psutil.Error:
        return
