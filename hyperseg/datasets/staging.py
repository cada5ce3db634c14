"""A folder that appears whole or not at all."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hyperseg.data.description import DATASET_FILE
from hyperseg.errors import UserError


@contextmanager
def staged_folder(out: Path) -> Iterator[Path]:
    """Yield an empty sibling of `out` to fill; when the block ends well it becomes `out`, else it is removed.

    An older prepared dataset (recognized by its dataset.yaml) or an empty folder at `out` is replaced; anything else
    there is left alone and refused with a UserError, before any work is done.
    """
    if out.exists() and not _replaceable(out):
        raise UserError(f"{out} exists and is not a prepared dataset; give another --out or move it away")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        # A hidden name beside `out`: the same file system, so that the rename is one step.
        stage = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    except OSError as error:
        raise UserError(f"cannot write into {out.parent}: {error.strerror}; give another --out") from error
    try:
        stage.chmod(0o755)  # mkdtemp makes 0700, which would hide the dataset from a group
        yield stage
        _swap(stage, out)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _replaceable(out: Path) -> bool:
    return out.is_dir() and not out.is_symlink() and ((out / DATASET_FILE).exists() or not any(out.iterdir()))


def _swap(stage: Path, out: Path) -> None:
    if not out.exists():
        stage.rename(out)
        return
    old = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}.old."))
    out.rename(old)  # onto an empty folder, which rename(2) replaces
    try:
        stage.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)
