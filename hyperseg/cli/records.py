"""``hyperseg records``: the record's schema, and a check of files against it."""

import json
from pathlib import Path

import click

from hyperseg.records import Record, read_record_files


@click.group()
def command() -> None:
    """Validate records and print the record's JSON Schema."""


@command.command()
def schema() -> None:
    """Print the JSON Schema of the record."""
    click.echo(json.dumps(Record.model_json_schema(), indent=1))


@command.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def validate(paths: tuple[Path, ...]) -> None:
    """Check record files, or every *.json under folders: the schema, and every number derived again."""
    records = read_record_files(paths)
    click.echo(f"{len(records)} records fit the schema, and their numbers follow from what they hold")
