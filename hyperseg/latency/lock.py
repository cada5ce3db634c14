"""One timed job per device at a time, across processes: a file lock by the device's identity. Imports no torch."""

import getpass
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from hyperseg.errors import UserError
from hyperseg.machine_lock import MachineLock

POLL_S = 0.5


def cpu_key() -> str:
    """The identity of this machine's processors: the same for every process until the next boot."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return f"cpu-{boot.read_text().strip() if boot.exists() else platform.node()}"


@contextmanager
def device_lock(
    key: str, device: str, wait: bool = False, folder: Path | None = None, say: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Hold the lock of the device `key` (a GPU's UUID, or `cpu_key()`); `device` is its name in messages.

    A held lock raises a :class:`UserError` that says who holds it; with `wait`, `say` gets that sentence once and the
    call returns when the lock is free. The lock goes with the process, however that ends.
    """
    lock = MachineLock(key, folder)
    holder = lock.path.with_suffix(".json")
    _acquire(lock, holder, device, wait, say)
    try:
        _write_holder(holder)
        yield
    finally:
        lock.release()


def _acquire(lock: MachineLock, holder: Path, device: str, wait: bool, say: Callable[[str], None] | None) -> None:
    if lock.acquire():
        return
    busy = f"{device} is being timed by {_description(holder)}"
    if not wait:
        raise UserError(f"{busy}; wait for it to end, or give --wait")
    if say is not None:
        say(f"{busy}; waiting")
    while not lock.acquire():
        time.sleep(POLL_S)


def _write_holder(holder: Path) -> None:
    """Say who holds the lock; written in place, as in a shared folder nobody may replace another user's file."""
    content = {
        "pid": os.getpid(),
        "user": _user(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with suppress(OSError):
        with holder.open("r+" if holder.exists() else "w", encoding="utf-8") as file:
            file.truncate()
            json.dump(content, file)
        holder.chmod(0o666)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        return f"user {os.getuid()}"


def _description(holder: Path) -> str:
    try:
        found = json.loads(holder.read_text())
        return f"pid {found['pid']} of {found['user']} since {found['since']} (`{found['command']}`)"
    except (OSError, ValueError, KeyError):
        return "another process"  # the holder has not written its name yet
