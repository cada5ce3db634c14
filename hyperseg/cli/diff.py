"""``hyperseg diff``: what differs between two records."""

from pathlib import Path

import click

from hyperseg.records.difference import difference, results
from hyperseg.records.store import read_record


@click.command()
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
def command(first: Path, second: Path) -> None:
    """Say what differs between the records FIRST and SECOND, the most likely cause of another number first."""
    one, other = read_record(first), read_record(second)
    for sentence in results(one, other):
        click.echo(sentence)
    found = list(difference(one, other))
    click.echo("what differs, the most likely cause first:" if found else "nothing differs but time and results")
    for place, (field, ours, theirs) in enumerate(found, start=1):
        click.echo(f"{place:3}. {field}: {_short(ours)} -> {_short(theirs)}")


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
