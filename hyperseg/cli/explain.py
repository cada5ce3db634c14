"""``hyperseg explain``: how a record's number came to be."""

from pathlib import Path

import click

from hyperseg.records.explain import explain
from hyperseg.records.store import read_record


@click.command()
@click.argument("path", metavar="RECORD", type=click.Path(path_type=Path))
def command(path: Path) -> None:
    """Say in plain words how the number of RECORD came to be: formula, inputs, protocol, code, machine, command."""
    sentences: dict[str, list[str]] = {}
    for heading, sentence in explain(read_record(path), path):
        sentences.setdefault(heading, []).append(sentence)
    for heading, found in sentences.items():
        click.echo(f"{heading}:")
        for sentence in found:
            click.echo(f"  {sentence}")
