"""``hyperseg recompute``: every number of a record beside the same number derived again."""

from pathlib import Path

import click

from hyperseg.errors import UserError
from hyperseg.records.derive import checks
from hyperseg.records.raw import raw_checks
from hyperseg.records.store import parse_record


@click.command()
@click.argument("path", metavar="RECORD", type=click.Path(path_type=Path))
def command(path: Path) -> None:
    """Derive every number of RECORD again, from what the record holds and from the raw file beside it."""
    from rich.console import Console
    from rich.table import Table

    record = parse_record(path)
    found = [*checks(record), *raw_checks(record, path.parent)]
    table = Table("number", "record", "recomputed", "from", "", box=None)
    for check in found:
        stated, derived = ("-" if value is None else f"{value:.10g}" for value in (check.stated, check.derived))
        table.add_row(check.name, stated, derived, check.source or check.fault, "differs" if check.problem else "same")
    Console(width=None if Console().is_terminal else 160).print(table)
    wrong = [check.name for check in found if check.problem]
    click.echo(f"{len(found) - len(wrong)} of {len(found)} numbers are the same")
    if wrong:
        raise UserError(f"record {path} contradicts itself at {', '.join(wrong)}; run the step again")
