"""Disks that are full, read-only or closed to this user: one sentence instead of a traceback."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hyperseg.errors import UserError, reason_of

SPARE_BYTES = 256 << 20  # left free on the disk


@contextmanager
def disk_errors(place: Path, remedy: str) -> Iterator[None]:
    """Turn an OSError of the block into a UserError that names the file (else `place`), the reason and `remedy`."""
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}  # when a copy fails, Python names the source file
        raise UserError(
            f"cannot read or write {place if full else error.filename or place}: {reason_of(error)}; {remedy}"
        ) from error


def check_disk(folder: Path, needed: int) -> None:
    """Raise UserError where `folder`'s file system cannot take `needed` bytes and keep some spare."""
    free = shutil.disk_usage(folder).free
    if needed + SPARE_BYTES > free:
        raise UserError(
            f"{folder} has {readable_size(free)} free, but {readable_size(needed)} are needed and "
            f"{readable_size(SPARE_BYTES)} kept spare; free some space or give another folder"
        )


def readable_size(number: int) -> str:
    """Bytes in the largest unit that leaves a number of 1 or more: ``1.2 GB``, ``380 kB``."""
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if number >= size:
            value = number / size
            return f"{value:.1f} {unit}" if value < 100 else f"{value:.0f} {unit}"
    return f"{number} bytes"
