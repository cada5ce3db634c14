"""A table as data: what is stored (CSV), and the view a person reads (Markdown, LaTeX, HTML)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase
from typing import Literal

Value = str | int | float | bool | None
Mark = Literal[
    "", "valid", "degraded", "invalid", "smoke", "good", "muted", "code",
    "reproduced", "within", "better", "failed", "other", "unmeasured",
]  # fmt: skip
_VERDICTS: tuple[Mark, ...] = ("valid", "degraded", "invalid", "smoke")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
NONE = "–"  # a cell without a number
BADGES = ("valid", "degraded", "invalid", "smoke", "reproduced", "within", "better", "failed", "other", "unmeasured")


@dataclass(frozen=True)
class Cell:
    """One cell. `value` is stored; `text` is shown; `records` are anchors of the records it comes from."""

    value: Value = None
    text: str = ""
    records: tuple[str, ...] = ()
    mark: Mark = ""
    notes: tuple[str, ...] = ()  # sentences, lettered and put under the table

    @property
    def shown(self) -> str:
        if self.text:
            return self.text
        if self.value is None:
            return NONE
        if isinstance(self.value, bool):
            return "yes" if self.value else "no"
        return str(self.value)


EMPTY = Cell()


@dataclass(frozen=True)
class Column:
    """A column; `key` heads it in the CSV, unit included, `title` in print."""

    key: str
    title: str
    numeric: bool = False
    shown: bool = True  # False: in the CSV alone
    fold: bool = False  # where every row says the same, say it once in the caption
    detail: bool = False  # the first to be left out of LaTeX, where a line is narrow


@dataclass(frozen=True)
class Table:
    id: str  # file name without its extension
    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, Cell], ...]
    findings: tuple[str, ...] = ()  # ids of the audit findings to read beside it
    rules: tuple[int, ...] = ()  # rows with a rule above them
    page_rows: int = 500  # shown in the page and in LaTeX; the CSV has them all
    remarks: tuple[str, ...] = ()  # sentences under the table that belong to no cell

    @property
    def label(self) -> str:
        return self.id.replace("_", "-")


@dataclass(frozen=True)
class ViewCell:
    text: str
    letters: tuple[str, ...]
    records: tuple[str, ...]
    mark: Mark


@dataclass(frozen=True)
class View:
    """A table as it is read: constant columns said once, notes lettered in order of appearance.

    Reasons of verdicts that differ in their numbers alone are one note with their range; each record has its own.
    """

    table: Table
    columns: tuple[Column, ...]
    rows: tuple[tuple[ViewCell, ...], ...]
    folded: tuple[tuple[str, str], ...]
    notes: tuple[tuple[str, str], ...] = field(default=())

    @property
    def same(self) -> str:
        """What all rows share, as one sentence; empty where they share nothing."""
        shared = "; ".join(f"{title}: {text}" for title, text in self.folded)
        return f"All rows: {shared}." if shared else ""


def view(table: Table) -> View:
    """Lay a table out for reading."""
    shown = [column for column in table.columns if column.shown]
    folded = [column for column in shown if column.fold and table.rows and _constant(table, column)]
    empty = [c for c in shown if c not in folded and all(_blank(row.get(c.key, EMPTY)) for row in table.rows)]
    columns = [column for column in shown if column not in folded and column not in empty]
    letters: dict[str, str] = {}
    said: dict[str, list[str]] = {}  # note as lettered -> notes that it stands for
    rows = []
    for row in table.rows:
        cells = [row.get(column.key, EMPTY) for column in columns]
        rows.append(tuple(ViewCell(c.shown, _letters(c, letters, said), c.records, c.mark) for c in cells))
    constants = ((column.title, table.rows[0].get(column.key, EMPTY)) for column in folded)
    return View(
        table=table,
        columns=tuple(columns),
        rows=tuple(rows),
        folded=tuple((title, cell.shown) for title, cell in constants if not _blank(cell)),
        notes=tuple((letter, _ranges(said[note])) for note, letter in letters.items()),
    )


def _constant(table: Table, column: Column) -> bool:
    cells = [row.get(column.key, EMPTY) for row in table.rows]
    return len({cell.shown for cell in cells}) == 1 and not any(cell.notes for cell in cells)


def _blank(cell: Cell) -> bool:
    return cell.value is None and not cell.text and not cell.notes


def _letters(cell: Cell, letters: dict[str, str], said: dict[str, list[str]]) -> tuple[str, ...]:
    found = []
    for note in cell.notes:
        key = _NUMBER.sub("#", note) if cell.mark in _VERDICTS else note
        count = len(letters)
        prefix = ascii_lowercase[count // 26 - 1] if count >= 26 else ""
        found.append(letters.setdefault(key, prefix + ascii_lowercase[count % 26]))
        said.setdefault(key, []).append(note)
    return tuple(found)


def _ranges(notes: Sequence[str]) -> str:
    """One note for several that differ in numbers: the first, with '<lowest> to <highest>' where they differ."""
    columns = [sorted(set(column), key=float) for column in zip(*map(_NUMBER.findall, notes), strict=True)]
    ranges = iter([column[0] if len(column) == 1 else f"{column[0]} to {column[-1]}" for column in columns])
    return _NUMBER.sub(lambda _: next(ranges), notes[0])
