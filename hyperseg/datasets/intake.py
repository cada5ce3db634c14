"""From what a user has (archives, or folders unpacked from them) to files on disk that a preparer can walk."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from rich.progress import Progress

from hyperseg.data.description import ClassInfo
from hyperseg.data.png import encode_index, palette_of
from hyperseg.datasets.fetch import check_archive
from hyperseg.datasets.published import Archive
from hyperseg.datasets.unpack import unpack
from hyperseg.errors import UserError
from hyperseg.processors import usable_cores

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Intake:
    """The folders to look into. Files under `scratch` are ours and are moved; others are the user's and are copied."""

    roots: tuple[Path, ...]
    scratch: Path | None = None
    progress: Progress | None = field(default=None, repr=False)

    def folder(self, name: str) -> Path | None:
        """The shallowest folder of this name, the root itself included."""
        for root in self.roots:
            found = [root] if root.name == name else []
            found += [path for path in root.rglob(name) if path.is_dir()]
            if found:
                return min(found, key=lambda path: (len(path.parts), str(path)))
        return None

    def pictures(self, *suffixes: str) -> list[Path]:
        """Every file with one of these suffixes, hidden folders left out, sorted."""
        found = (path for root in self.roots for path in root.rglob("*") if path.suffix.lower() in suffixes)
        return sorted(path for path in found if path.is_file() and not path.name.startswith("."))

    def place(self, file: Path, target: Path) -> None:
        """Bring one file to `target` unchanged."""
        target.parent.mkdir(parents=True, exist_ok=True)
        if self.scratch and file.is_relative_to(self.scratch):
            file.rename(target)
        else:
            shutil.copyfile(file, target)

    def each(self, title: str, items: Iterable[Item], work: Callable[[Item], Result]) -> list[Result]:
        """`work` on every item on all cores, results in order, with a progress bar where there is one."""
        items = list(items)
        results = []
        task = self.progress.add_task(title, total=len(items)) if self.progress else None
        with ThreadPoolExecutor(usable_cores()) as pool:
            for result in pool.map(work, items):
                results.append(result)
                if self.progress and task is not None:
                    self.progress.advance(task)
        return results


def write_label(out: Path, split: str, name: str, label: np.ndarray, classes: tuple[ClassInfo, ...]) -> None:
    """Write one label of a prepared dataset."""
    path = out / split / "labels" / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_index(label, palette_of(classes)))


@contextmanager
def opened(source: Path, archives: tuple[Archive, ...], scratch: Path, progress: Progress) -> Iterator[Intake]:
    """Unpack what has to be unpacked of `source` into `scratch`, and say where to look.

    `source` is one archive, a folder that holds the catalogue's archives (each checked first), or a folder that was
    unpacked from them. `scratch` is removed at the end. Raises UserError.
    """
    try:
        found = _archives_in(source, archives)
        for file in found:
            _unpack(file, scratch / file.name, progress)
        roots = ([scratch] if found else []) + ([source] if source.is_dir() else [])
        yield Intake(tuple(roots), scratch, progress)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _archives_in(source: Path, archives: tuple[Archive, ...]) -> list[Path]:
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise UserError(f"there is no {source}; give --source an archive or the folder that holds the archives")
    present = [archive for archive in archives if (source / archive.file).exists()]
    for archive in present:
        check_archive(archive, source)
    return [source / archive.file for archive in present]


def _unpack(archive: Path, target: Path, progress: Progress) -> None:
    target.mkdir(parents=True)
    task = progress.add_task(f"unpack {archive.name}", total=None)
    unpack(archive, target, progress=lambda done, total: progress.update(task, completed=done, total=total))
