"""Atomic writing of files and folders, and the hashes of files."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hyperseg.errors import UserError, reason_of


def write_bytes_atomic(path: Path, content: bytes) -> None:
    """Write `content` to `path`, mode 0644; a reader sees the old file or the new one, never a part.

    Missing folders are made. Raises :class:`UserError` where the disk is full or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Hidden, and cut: a name of 255 bytes leaves no room for more.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name.lstrip('.')[:40]}.")
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)  # mkstemp makes 0600, which would hide results from a group
        Path(name).replace(path)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _unwritable(path, error) from error
        raise


def write_text_atomic(path: Path, text: str) -> None:
    """Write `text` as UTF-8, as :func:`write_bytes_atomic` does."""
    write_bytes_atomic(path, text.encode())


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Yield a folder beside `out`, which is absent or empty; it becomes `out` when the block ends well, else it goes.

    Raises :class:`UserError` about `out` where the disk is full or the folder cannot be written.
    """
    target = out.resolve()
    try:
        with folder_beside(target) as partial:
            try:
                yield partial
            except UserError as error:
                raise UserError(str(error).replace(str(partial), str(out))) from error
            partial.replace(target)
    except OSError as error:
        raise _unwritable(out, error) from error


@contextmanager
def folder_beside(target: Path) -> Iterator[Path]:
    """Yield an empty hidden folder on the file system of `target`; removed at the end, if it is still there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.", suffix=".partial"))
    try:
        folder.chmod(0o755)  # mkdtemp makes 0700, which would hide results from a group
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def exchange(new: Path, out: Path, old: Path) -> None:
    """Put the folder `new` in the place of `out`, which becomes `old` if there is one; else as it was, and OSError."""
    if not out.exists():
        new.rename(out)
        return
    out.rename(old)
    try:
        new.rename(out)
    except OSError:
        old.rename(out)
        raise


def sha256_file(path: Path) -> str:
    """Hex sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unwritable(path: Path, error: OSError) -> UserError:
    return UserError(
        f"cannot write {path}: {reason_of(error)}; free space there or choose a folder that can be written"
    )
