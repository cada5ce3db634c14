"""Opens a user's archives, or folders unpacked from them, for a dataset's `prepare`."""

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
from hyperseg.datasets.disk import disk_errors
from hyperseg.datasets.fetch import check_archive
from hyperseg.datasets.published import Archive, Published
from hyperseg.datasets.unpack import Limits, unpack
from hyperseg.errors import UserError, printable
from hyperseg.processors import usable_cores

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Intake:
    """The folders to look into. Files under `scratch` are ours and are moved; others are the user's and are copied."""

    roots: tuple[Path, ...]
    scratch: Path | None = None
    progress: Progress | None = field(default=None, repr=False)
    source: Path | None = None  # what the user gave, for sentences

    @property
    def place_name(self) -> Path:
        """The user's source, for messages."""
        return self.source or self.roots[-1]

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
        """Bring one file to `target` unchanged. Raises UserError for what cannot be read or written."""
        with disk_errors(target, "free some space, or check the source and its permissions"):
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


def write_label(
    out: Path, split: str, name: str, label: np.ndarray, classes: tuple[ClassInfo, ...], first: int = 0
) -> None:
    """Write one label (H, W) of a prepared dataset; `first` is the label value of the first class."""
    path = out / split / "labels" / f"{name}.png"
    with disk_errors(path, "free some space or give another --out"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_index(label, palette_of(classes, first)))


@contextmanager
def opened(source: Path, dataset: Published, scratch: Path, progress: Progress) -> Iterator[Intake]:
    """Unpack what has to be unpacked of `source` into the new folder `scratch`, and say where to look.

    `source` is one archive, a folder that holds the dataset's archives (each checked first), or a folder that was
    unpacked from them; nothing is written into it. Raises UserError; one of the block that names a place in `scratch`
    is raised with the archive's name there.
    """
    found = _archives_in(source, dataset.archives)
    with disk_errors(scratch, "free some space or give another --out"):
        for file in found:
            target = scratch / file.name
            target.mkdir(parents=True)
            task = progress.add_task(f"unpack {printable(file.name)}", total=None)
            limits = Limits(dataset.unpacked_files, dataset.unpacked_bytes)
            unpack(file, target, limits, lambda done, total: progress.update(task, completed=done, total=total))  # noqa: B023
    roots = ([scratch] if found else []) + ([source] if source.is_dir() else [])
    try:
        yield Intake(tuple(roots), scratch, progress, source)
    except UserError as error:
        sentence = str(error)
        for file in found:
            sentence = sentence.replace(str(scratch / file.name), str(file))
        raise UserError(sentence.replace(str(scratch), str(source))) from error


def _archives_in(source: Path, archives: tuple[Archive, ...]) -> list[Path]:
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise UserError(f"there is no {source}; give --source an archive or the folder that holds the archives")
    present = [archive for archive in archives if (source / archive.file).exists()]
    for archive in present:
        check_archive(archive, source, record=False)
    return [source / archive.file for archive in present]
