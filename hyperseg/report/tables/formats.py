"""A table as CSV (stored values, full precision) and Markdown."""

import csv
import io

from hyperseg.csv_text import inert
from hyperseg.report.tables.model import EMPTY, Table, Value, View, view


def to_csv(table: Table) -> str:
    """All columns, shown or not; units in the names, empty where there is no value, full precision."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*(column.key for column in table.columns), "records_sha256"])
    for row in table.rows:
        hashes = sorted({anchor.removeprefix("record-") for cell in row.values() for anchor in cell.records})
        values = [_plain(row.get(column.key, EMPTY).value) for column in table.columns]
        writer.writerow([*values, " ".join(hashes)])
    return out.getvalue()


def _plain(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return repr(value) if isinstance(value, float) else inert(value) if isinstance(value, str) else str(value)


def to_markdown(table: Table, heading: str = "##") -> str:
    """A GitHub table with its caption above and its notes below; no heading where `heading` is empty."""
    seen = view(table)
    lines = [f"{heading} {table.title}", ""] if heading else []
    lines += [" ".join(filter(None, (table.caption, seen.same))), ""]
    if seen.rows:
        lines += _markdown_table(seen)
    for letter, note in seen.notes:
        lines += ["", f"({letter}) {note}."]
    for remark in table.remarks:
        lines += ["", f"{remark}."]
    return "\n".join(lines) + "\n"


def _markdown_table(seen: View) -> list[str]:
    def line(cells: list[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    head = line([column.title for column in seen.columns])
    rule = "|" + "|".join("---:" if column.numeric else "---" for column in seen.columns) + "|"
    body = [line([cell.text + _bracketed(cell.letters) for cell in row]) for row in seen.rows]
    return [head, rule, *body]


def _bracketed(letters: tuple[str, ...]) -> str:
    return f" ({', '.join(letters)})" if letters else ""
