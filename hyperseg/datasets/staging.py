"""Folders that appear whole or not at all, and never replace what this package did not make.

The work is done in a hidden folder beside the target, hence on its file system, so that a rename ends it::

    .<name>.hyperseg-XXXX.lock      held as long as the process lives: the kernel lets go of it whatever ends it
    .<name>.hyperseg-XXXX/stage     becomes <name>
    .<name>.hyperseg-XXXX/unpacked  of archives
    .<name>.hyperseg-XXXX/old       the dataset that is replaced, for the moment of the exchange

The lock is held before its folder is made and removed after it. A lock that nobody holds is a dead process's: the next
run beside it removes it with its folder, after it has put back an old dataset that a kill in mid-exchange left there.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from hyperseg.data.description import DATASET_FILE, read_info
from hyperseg.data.manifest import CARD_FILE, MANIFEST_FILE, is_litter, read_manifest
from hyperseg.datasets.disk import disk_errors
from hyperseg.datasets.inspection import kind_of
from hyperseg.datasets.published import is_published
from hyperseg.errors import UserError, first_ten, reason_of
from hyperseg.files import exchange

_MARK = ".hyperseg-"
_LOCK = ".lock"


@dataclass(frozen=True)
class Stage:
    """Where a dataset is made: `folder` becomes the target, `unpacked` is removed with the rest."""

    folder: Path
    unpacked: Path


@contextmanager
def staged_folder(out: Path) -> Iterator[Path]:
    """:func:`staged` for work that needs only the folder to fill."""
    with staged(out) as stage:
        yield stage.folder


@contextmanager
def staged(out: Path) -> Iterator[Stage]:
    """Yield empty folders beside `out`; when the block ends well, the stage becomes `out`, else all is removed.

    An empty folder at `out`, or a dataset made by this package and unchanged since, is replaced; anything else is
    refused before any work is done (see :func:`check_replaceable`). Raises UserError, for full and read-only disks too;
    a UserError of the block that names a folder of the work is raised with `out` in its place.
    """
    check_replaceable(out)
    with _disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        _remove_dead_work(out.parent)
        with _new_lock(out) as lock:
            work = lock.with_suffix("")
            try:
                stage = Stage(work / "stage", work / "unpacked")
                work.mkdir(mode=0o700)
                stage.folder.mkdir(mode=0o755)
                try:
                    yield stage
                except UserError as error:
                    raise UserError(str(error).replace(str(stage.folder), str(out))) from error
                check_replaceable(out)  # again: the work may have taken hours
                exchange(stage.folder, out, work / "old")
            finally:
                _remove_work(lock, out)


@contextmanager
def _disk_errors(out: Path) -> Iterator[None]:
    """Turn an OSError into a UserError about `out`: a user does not know the folder beside it."""
    try:
        yield
    except OSError as error:
        hidden = error.filename is None or _MARK in str(error.filename)
        raise UserError(
            f"cannot make {out if hidden else error.filename}: {reason_of(error)}; "
            "free some space or give another --out"
        ) from error


def check_replaceable(out: Path) -> None:
    """Raise UserError where `out` holds anything that would be lost.

    Replaceable are: nothing, an empty folder, and a dataset that this package made (by ``prepare``, ``streets`` or
    ``add --out``) in which every file is named, with its size, by the manifest. A dataset made in place holds the
    user's own pictures. Without a manifest, which a workflow engine removes before it runs a rule again, only a
    published dataset is taken for made here, and only where nothing but pictures and labels lies in it.
    """
    with disk_errors(out, "give another --out"):
        if not out.is_symlink() and not out.exists():
            return
        if out.is_symlink() or not out.is_dir():
            raise UserError(f"{out} exists and is not a folder of this package; give another --out or move it away")
        described = (out / DATASET_FILE).is_file()
        found = files_below(out)
        if not described and next(found, None) is None:
            return
        try:
            if described:
                strange = _strange(out, {path.relative_to(out).as_posix(): path for path in found})
            else:
                strange = [path.name for path in out.iterdir()]  # not all files below: it may be a home folder
        except UserError as error:
            raise UserError(
                f"{out} exists and is not a prepared dataset ({error}); give another --out or move it away"
            ) from error
    if strange:
        raise UserError(
            f"{out} exists and is not a prepared dataset that may be replaced, because it holds files that were not "
            f"made there by `hyperseg data`: {first_ten(sorted(strange))}; give another --out or move it away"
        )


def files_below(folder: Path) -> Iterator[Path]:
    """Every file and link below. Raises OSError for a folder that cannot be read, which ``rglob`` takes for empty."""

    def refuse(error: OSError) -> None:
        raise error

    for place, folders, files in os.walk(folder, onerror=refuse):
        yield from (Path(place, name) for name in files)
        yield from (Path(place, name) for name in folders if Path(place, name).is_symlink())


def _strange(out: Path, files: dict[str, Path]) -> list[str]:
    """Files of a folder with a dataset.yaml that this package did not make, or that changed since."""
    info = read_info(out)
    published = is_published(info.id)
    judged = {name: path for name, path in files.items() if name not in {MANIFEST_FILE, CARD_FILE}}
    judged = {name: path for name, path in judged.items() if path.is_symlink() or not _left_behind(name)}
    if MANIFEST_FILE not in files:
        made = {DATASET_FILE, *(name for name in judged if published and kind_of(name))}
        return [name for name, path in judged.items() if path.is_symlink() or name not in made]
    manifest = read_manifest(out)
    if not published and not manifest.copied:
        return list(judged)  # made in place: the pictures are the user's
    return [
        name
        for name, path in judged.items()
        if path.is_symlink() or name not in manifest.files or path.stat().st_size != manifest.files[name].bytes
    ]


def _left_behind(name: str) -> bool:
    """Whether a file browser put it there; other hidden files are the user's."""
    last = name.rsplit("/", 1)[-1]
    return is_litter(last) and (not last.startswith(".") or last == ".DS_Store")


@contextmanager
def _new_lock(out: Path) -> Iterator[Path]:
    """A lock file of a new name beside `out`, held."""
    while True:
        handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}{_MARK}", suffix=_LOCK)
        os.close(handle)
        with FileLock(name):
            if Path(name).exists():  # else another run removed it before it was locked
                yield Path(name)
                return


def _remove_dead_work(folder: Path) -> None:
    """Remove what killed runs left in `folder`, whatever their target was."""
    for lock in sorted(folder.iterdir()):
        name, mark, _ = lock.name.rpartition(_MARK)
        if mark and name.startswith(".") and lock.suffix == _LOCK and lock.is_file() and not lock.is_symlink():
            with suppress(Timeout, OSError), FileLock(lock, timeout=0):  # held, or another user's
                _remove_work(lock, folder / name[1:])


def _remove_work(lock: Path, out: Path) -> None:
    """Remove the folder of a lock, and then the lock itself, which is held."""
    work = lock.with_suffix("")
    old = work / "old"
    if old.exists() and not out.exists():
        old.rename(out)
    shutil.rmtree(work, ignore_errors=True)
    if not work.exists():
        lock.unlink(missing_ok=True)
