"""Tables inside a text such as docs/results.md, between marks that name them and the records they come from.

A block is two comment lines, with anything between them replaced::

    <!-- begin summary results/reference/demo -->
    <!-- end -->

The first word names a table (a file of ``hyperseg/report/tables``) or a passage (audit, record), the rest are record
files or folders, relative to the repository. A table without rows says so in one sentence.
"""

import re
from collections.abc import Callable
from pathlib import Path

from hyperseg.errors import UserError, reason_of
from hyperseg.files import write_text_atomic
from hyperseg.report.claims_judge import judge_collection
from hyperseg.report.collection import Collection, load
from hyperseg.report.facts import PAPER, PEERS, read_paper, read_peers
from hyperseg.report.inputs import Inputs
from hyperseg.report.passages import audit_text, record_text
from hyperseg.report.tables import table_parts
from hyperseg.report.tables.formats import to_markdown

_BLOCK = re.compile(
    r"(?P<begin><!-- begin (?P<what>\S+) (?P<paths>[^>]+?) -->\n)(?P<body>.*?)(?P<end><!-- end -->)", re.S
)
NOTHING = "No record of this is committed yet.\n"


_PASSAGES: dict[str, Callable[[Collection], str]] = {"audit": audit_text, "record": lambda _: record_text()}


def fill_file(path: Path, root: Path) -> bool:
    """Fill the blocks of a file in place, atomically; whether anything changed. Raises :class:`UserError`."""
    text = read_text(path)
    filled = fill(text, root)
    if filled != text:
        write_text_atomic(path, filled)
    return filled != text


def read_text(path: Path) -> str:
    """The text of a file with blocks; a :class:`UserError` where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else "it is not UTF-8"
        raise UserError(f"cannot read {path}: {reason}; give a text with marked blocks") from error


def fill(text: str, root: Path) -> str:
    """The text with every block made anew; paths are relative to `root`. Raises :class:`UserError`."""

    def block(found: re.Match[str]) -> str:
        paths = [root / name for name in found["paths"].split()]
        return f"{found['begin']}{_body(found['what'], paths, root)}{found['end']}"

    return _BLOCK.sub(block, text)


def _body(what: str, paths: list[Path], root: Path) -> str:
    parts = {part.name: part for part in table_parts()}
    if what not in (*parts, *_PASSAGES):
        raise UserError(f"block '{what}' is not known; use one of {', '.join([*parts, *_PASSAGES])}")
    there = [path for path in paths if path.is_file() or any(path.rglob("*.json"))]
    if not there:
        return NOTHING
    facts = root / PAPER
    collection = load(there)
    if what in _PASSAGES:
        return _PASSAGES[what](collection)
    peers = tuple(row for path in sorted((root / PEERS).glob("*.csv")) for row in read_peers(path))
    paper = read_paper(facts) if facts.exists() else ()
    judged = (
        judge_collection(facts, collection, peers) if paper and what == "coverage" else None
    )  # slow, used there alone
    inputs = Inputs(collection, paper, peers, judged)
    tables = [table for table in parts[what].build(inputs) if table.rows]
    heading = "####" if len(tables) > 1 else ""
    return "\n".join(to_markdown(table, heading) for table in tables) or NOTHING
