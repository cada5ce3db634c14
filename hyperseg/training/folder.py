"""The output folder of a training: made, proved writable, and held by one training at a time."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from hyperseg.errors import UserError

LOCK_FILE = ".lock"


@contextmanager
def output_folder(out: Path) -> Iterator[None]:
    """Hold `out` for this process; folders made for it are taken away again where nothing was put into them.

    Raises :class:`UserError` where it is a file, cannot be written, or another training writes into it.
    """
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = FileLock(out / LOCK_FILE)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise UserError(f"another training writes into {out}; wait until it is done or choose another --out") from error
    except (FileExistsError, NotADirectoryError) as error:
        raise UserError(f"--out {out} is a file or lies below one; name a folder that may be made") from error
    except OSError as error:
        _take_away(made)
        reason = (error.strerror or str(error)).lower()
        raise UserError(f"cannot write into {out}: {reason}; choose another --out") from error
    try:
        yield
    finally:
        (out / LOCK_FILE).unlink(missing_ok=True)  # before the release: whoever holds a lock without a file tries again
        lock.release()
        _take_away(made)


def _take_away(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # something lies in it
            folder.rmdir()
