"""One run at a time in a checkout.

Snakemake's own lock is not enough: a second Snakemake with nothing to do removes the first one's.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hyperseg.errors import UserError

LOCK_FILE = Path(".snakemake/hyperseg.lock")


@contextmanager
def run_lock(path: Path = LOCK_FILE) -> Iterator[int]:
    """Hold the lock; yields its file descriptor, which the engine inherits, so that an orphaned one keeps the lock.

    Raises :class:`UserError` naming the process that holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = path.read_text().strip() or "unknown"
            raise UserError(
                f"another run (process {holder}) is at work in {Path.cwd()}; wait for it to end or stop that process"
            ) from error
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield descriptor
    finally:
        os.close(descriptor)
