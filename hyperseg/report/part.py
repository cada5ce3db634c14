"""A table or figure of the report as a declaration, and how files with one are found."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Generic, TypeVar

from hyperseg.errors import UserError
from hyperseg.python_file import load_python_file
from hyperseg.report.inputs import Inputs

T = TypeVar("T")
# The page's sections in order: id -> heading. A part may name another one, which comes after these.
SECTIONS = {
    "coverage": "What holds",
    "tradeoff": "Accuracy against speed",
    "paper": "The paper's tables",
    "audit": "Reading the paper",
    "summary": "What was run",
    "accuracy": "Accuracy",
    "speed": "Speed",
    "training": "Training",
}


@dataclass(frozen=True)
class Part(Generic[T]):
    """One file's contribution; ``build`` returns its tables or figures, possibly none."""

    name: str  # as `hyperseg report` and the marked blocks of a text know it
    title: str
    section: str
    build: Callable[[Inputs], list[T]]
    order: int = 50  # within the section, then by name
    on_page: bool = True  # False: for marked blocks alone


@cache
def parts_of(package: str) -> tuple[Part[Any], ...]:
    """The ``PART`` of every module of a package that defines one, by section, order and name."""
    folder = import_module(package)
    modules = (import_module(f"{package}.{info.name}") for info in iter_modules(folder.__path__))
    return ordered(module.PART for module in modules if hasattr(module, "PART"))


def load_part(path: Path) -> Part[Any]:
    """The ``PART`` of a Python file anywhere. Raises :class:`UserError` where there is none."""
    module = load_python_file(path, f"hyperseg_report_{path.stem}")
    part = getattr(module, "PART", None)
    if not isinstance(part, Part):
        raise UserError(f"{path} defines no PART; see docs/report.md for a table of your own")
    return part


def ordered(parts: Iterable[Part[Any]]) -> tuple[Part[Any], ...]:
    known = list(SECTIONS)

    def key(part: Part[Any]) -> tuple[int, str, int, str]:
        place = known.index(part.section) if part.section in known else len(known)
        return place, part.section, part.order, part.name

    return tuple(sorted(parts, key=key))
