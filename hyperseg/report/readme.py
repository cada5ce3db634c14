"""Tables inside a text such as the README, between marks that name them and the records they come from.

A block is two comment lines, with anything between them replaced::

    <!-- begin summary results/reference/demo -->
    <!-- end -->

The first word names a table (summary, accuracy, training, runtime, speed, peers, classes), the rest are record files or
folders, relative to the text's own folder.
"""

import re
from collections.abc import Callable
from pathlib import Path

from hyperseg.errors import UserError
from hyperseg.files import write_text_atomic
from hyperseg.report.collection import Collection, load
from hyperseg.report.facts import PaperRow, read_paper
from hyperseg.report.tables.accuracy import accuracy_table
from hyperseg.report.tables.classes import class_tables
from hyperseg.report.tables.formats import to_markdown
from hyperseg.report.tables.model import Table
from hyperseg.report.tables.runtime import runtime_tables
from hyperseg.report.tables.speed import peers_table, speed_table
from hyperseg.report.tables.summary import summary_table
from hyperseg.report.tables.training import training_table

Paper = tuple[PaperRow, ...]
_TABLES: dict[str, Callable[[Collection, Paper], list[Table]]] = {
    "summary": lambda collection, paper: [summary_table(collection)],
    "accuracy": lambda collection, paper: [accuracy_table(collection, paper)],
    "training": lambda collection, paper: [training_table(collection)],
    "runtime": lambda collection, paper: runtime_tables(collection, paper),
    "speed": lambda collection, paper: [speed_table(collection)],
    "peers": lambda collection, paper: [peers_table(collection)],
    "classes": lambda collection, paper: class_tables(collection),
}
_BLOCK = re.compile(
    r"(?P<begin><!-- begin (?P<what>\S+) (?P<paths>[^>]+?) -->\n)(?P<body>.*?)(?P<end><!-- end -->)", re.S
)
NOTHING = "No record of this is committed yet.\n"


def fill_file(path: Path) -> bool:
    """Fill the blocks of a file in place, atomically; whether anything changed."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; give a text with marked blocks") from error
    filled = fill(text, path.parent)
    if filled != text:
        write_text_atomic(path, filled)
    return filled != text


def fill(text: str, root: Path) -> str:
    """The text with every block made anew; paths are relative to `root`. Raises :class:`UserError`."""
    facts = root / "results/paper/paper.csv"
    paper = read_paper(facts) if facts.exists() else ()

    def block(found: re.Match[str]) -> str:
        if found["what"] not in _TABLES:
            raise UserError(f"block '{found['what']}' is not known; use one of {', '.join(_TABLES)}")
        paths = [root / name for name in found["paths"].split()]
        return f"{found['begin']}{_body(found['what'], paths, paper)}{found['end']}"

    return _BLOCK.sub(block, text)


def _body(what: str, paths: list[Path], paper: Paper) -> str:
    there = [path for path in paths if path.is_file() or any(path.rglob("*.json"))]
    if not there:
        return NOTHING
    tables = _TABLES[what](load(there), paper)
    heading = "####" if len(tables) > 1 else ""
    return "\n".join(to_markdown(table, heading) for table in tables)
