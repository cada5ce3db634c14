"""One timed job per device at a time, across processes: a file lock by the device's identity. Imports no torch."""

import fcntl
import getpass
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from hyperseg.errors import UserError

FOLDER = "hyperseg-latency-locks"


def cpu_key() -> str:
    """The identity of this machine's processors: the same for every process until the next boot."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return f"cpu-{boot.read_text().strip() if boot.exists() else platform.node()}"


@contextmanager
def device_lock(
    key: str, device: str, wait: bool = False, folder: Path | None = None, told: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Hold the lock of the device `key` (a GPU's UUID, or `cpu_key()`); `device` is its name in messages.

    A held lock raises a :class:`UserError` that says who holds it; with `wait`, `told` gets that sentence once and the
    call returns when the lock is free. The lock goes with the process, however that ends.
    """
    path = _path(key, folder)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise UserError(
            f"the lock file {path} cannot be opened ({error.strerror}); remove it, or set TMPDIR to another folder"
        ) from error
    try:
        _acquire(handle, device, wait, told)
        _write_holder(handle)
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)  # which releases the lock


def _path(key: str, folder: Path | None) -> Path:
    folder = folder or Path(tempfile.gettempdir()) / FOLDER
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o1777)  # every user's jobs share the device
    path = folder / f"{key}.lock"
    if not path.exists():
        path.touch()
        path.chmod(0o666)
    return path


def _acquire(handle: int, device: str, wait: bool, told: Callable[[str], None] | None) -> None:
    said = False
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            busy = f"{device} is being timed by {_holder(handle)}"
            if not wait:
                raise UserError(f"{busy}; wait for it to end, or give --wait") from None
            if told is not None and not said:
                told(f"{busy}; waiting")
                said = True
            time.sleep(0.5)


def _write_holder(handle: int) -> None:
    holder = {
        "pid": os.getpid(),
        "user": getpass.getuser(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps(holder).encode(), 0)


def _holder(handle: int) -> str:
    try:
        holder = json.loads(os.pread(handle, 65536, 0))
        return f"pid {holder['pid']} of {holder['user']} since {holder['since']} (`{holder['command']}`)"
    except (ValueError, KeyError):
        return "another process"  # which has taken the lock and not yet written who it is
