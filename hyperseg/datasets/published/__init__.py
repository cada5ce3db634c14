"""The table of published datasets: one file per dataset, found by being there.

A file ``<id>.py`` of this folder, or of a folder named by the environment variable ``HYPERSEG_DATASETS``, defines
``DATASET``, a :class:`Published`. It imports nothing heavy at its top, as reports and evaluations read the table, and
names the function that prepares it: an evaluation does not depend on how datasets are prepared.
"""

import os
import re
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from hyperseg.data.reading import Reading
from hyperseg.datasets.published.published import Archive, Outcome, Preparation, Published
from hyperseg.errors import UserError
from hyperseg.python_file import load_python_file

__all__ = [
    "Archive",
    "Outcome",
    "Preparation",
    "Published",
    "find_published",
    "get_published",
    "is_published",
    "published_table",
    "reading_of",
    "titles",
]

FOLDERS = "HYPERSEG_DATASETS"  # environment variable: folders with datasets of your own, separated as in PATH
_ID = re.compile(r"[a-z][a-z0-9_]*")
_PACKAGED = frozenset(info.name for info in iter_modules(__path__)) - {"published"}


def published_table() -> dict[str, Published]:
    """Every published dataset by id, sorted. Raises UserError for a file that defines none."""
    names = sorted(_PACKAGED | _own_files(os.environ.get(FOLDERS, "")).keys())
    return {name: get_published(name) for name in names}


def find_published(dataset: str) -> Published | None:
    """The published dataset of that id, or None; only its own file is loaded. Raises UserError as `published_table`."""
    own = _own_files(os.environ.get(FOLDERS, ""))
    if dataset in _PACKAGED:
        return _defined(import_module(f"{__name__}.{dataset}"), dataset, f"{dataset}.py")
    return _load(dataset, own[dataset]) if dataset in own else None


def is_published(dataset: str) -> bool:
    """Whether there is a published dataset of that id; no file is loaded."""
    return dataset in _PACKAGED or dataset in _own_files(os.environ.get(FOLDERS, ""))


def get_published(dataset: str) -> Published:
    """The published dataset of that id; a UserError lists the ids there are."""
    found = find_published(dataset)
    if found is None:
        raise UserError(f"there is no published dataset {dataset!r}; choose one of {', '.join(published_table())}")
    return found


def reading_of(dataset: str, protocol: str) -> Reading | None:
    """How `protocol` reads the dataset, or None where it is read as the protocol's default says."""
    found = find_published(dataset)
    return found.readings.get(protocol) if found else None


def titles() -> dict[str, str]:
    """Dataset id -> the title to show in a table."""
    return {name: dataset.short_title for name, dataset in published_table().items()}


@cache
def _own_files(folders: str) -> dict[str, Path]:
    """Dataset id -> file in the user's folders."""
    found: dict[str, Path] = {}
    for folder in filter(None, folders.split(os.pathsep)):
        if not Path(folder).is_dir():
            raise UserError(f"{FOLDERS} names {folder}, which is no folder; correct the variable")
        for path in sorted(Path(folder).glob("*.py")):
            if not _ID.fullmatch(path.stem):
                continue
            if path.stem in _PACKAGED or path.stem in found:
                raise UserError(f"{path} defines a second dataset {path.stem!r}; give the file another name")
            found[path.stem] = path
    return found


@cache
def _load(dataset: str, path: Path) -> Published:
    module = load_python_file(path, f"hyperseg_datasets_{dataset}")
    return _defined(module, dataset, str(path))


def _defined(module: ModuleType, dataset: str, place: str) -> Published:
    defined = getattr(module, "DATASET", None)
    if not isinstance(defined, Published):
        raise UserError(f"{place} does not define DATASET, a Published; see docs/data.md for the form")
    if defined.id != dataset:
        raise UserError(f"{place} defines the dataset {defined.id!r}; name the file {defined.id}.py")
    return defined
