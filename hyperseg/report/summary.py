"""The summary table for a terminal."""

from collections.abc import Iterable

from rich.table import Table as RichTable
from rich.text import Text

from hyperseg.records import Record
from hyperseg.report.collection import Collection, collect
from hyperseg.report.tables.model import Mark, view
from hyperseg.report.tables.summary import summary_table

_STYLES: dict[Mark, str] = {
    "valid": "green", "degraded": "yellow", "invalid": "bold red", "smoke": "dim", "good": "bold", "muted": "dim",
}  # fmt: skip


def render(records: Iterable[Record]) -> RichTable:
    """What was run and how it came out, a row per network; print it with a rich console."""
    # names stand in for files that may not be written yet; they decide nothing but the order
    return render_collection(collect({f"{n:06d}": (f"{n:064x}", one) for n, one in enumerate(records)}))


def render_collection(collection: Collection) -> RichTable:
    seen = view(summary_table(collection))
    same = "; ".join(f"{title}: {text}" for title, text in seen.folded)
    table = RichTable(title="Summary", title_justify="left", caption=same or None, caption_justify="left")
    for column in seen.columns:
        table.add_column(column.title, justify="right" if column.numeric else "left", overflow="fold")
    for row in seen.rows:
        table.add_row(*(Text(cell.text, style=_STYLES.get(cell.mark, "")) for cell in row))
    return table
