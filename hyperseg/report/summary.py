"""The summary for a terminal: one narrow table per campaign and device."""

from collections.abc import Iterable
from itertools import groupby

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from hyperseg.records import Record
from hyperseg.report.collection import Collection, collect
from hyperseg.report.tables.model import EMPTY, Mark, Table, view
from hyperseg.report.tables.summary import summary_table

_STYLES: dict[Mark, str] = {
    "valid": "green", "degraded": "yellow", "invalid": "bold red", "smoke": "dim", "good": "bold", "muted": "dim",
}  # fmt: skip
_TOGETHER = ("campaign", "device_name", "dataset")


def render(records: Iterable[Record]) -> RenderableType:
    """What was run and how it came out, a row per network; print it with a rich console."""
    # records may not be written yet; the names only give an order
    return render_collection(collect({f"{n:06d}": (f"{n:064x}", one) for n, one in enumerate(records)}))


def render_collection(collection: Collection) -> RenderableType:
    table = summary_table(collection)

    def together(row: object) -> list[str]:
        assert isinstance(row, dict)
        return [row.get(key, EMPTY).shown for key in _TOGETHER]

    groups = groupby(sorted(table.rows, key=together), key=together)
    return Group(*(_rich(Table(table.id, "", "", table.columns, tuple(rows))) for _, rows in groups))


def _rich(table: Table) -> RenderableType:
    seen = view(table)
    same = ", ".join(text for _, text in seen.folded)
    rich = RichTable(box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True, pad_edge=False, show_edge=False)
    for column in seen.columns:
        heading = Text(column.title.replace(", ", "\n"))  # not a string: "[ms]" would be read as markup
        rich.add_column(
            heading,
            justify="right" if column.numeric else "left",
            no_wrap=column.key == "network" or column.key.startswith("verdict_"),
        )
    for row in seen.rows:
        rich.add_row(*(Text(cell.text, style=_STYLES.get(cell.mark, "")) for cell in row))
    return Group(Text(f" {same}", style="bold"), rich)
