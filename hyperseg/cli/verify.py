"""``hyperseg verify``: whether records hold, every number derived again."""

from pathlib import Path

import click

from hyperseg.errors import UserError
from hyperseg.records.verify import summary, verify


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--notes", is_flag=True, help="Also list what could not be looked at, record by record.")
def command(paths: tuple[Path, ...], notes: bool) -> None:
    """Verify record files, or every *.json and strips.csv under folders (default: results).

    Schema, hashes, raw files beside the record, and every number that follows from others derived again; of a list of
    pictures (strips.csv) their hashes, and their scores where the evaluation is among the records.
    """
    verified = verify(paths or (Path("results"),))
    if not verified:
        raise UserError(f"no record (*.json) under {', '.join(map(str, paths or ('results',)))}; give another folder")
    for one in verified:
        for problem in one.problems:
            click.echo(f"{one.path}: {problem}")
        for note in one.notes if notes else ():
            click.echo(f"{one.path}: note: {note}")
    noted = sum(bool(one.notes) for one in verified)
    if noted:
        click.echo(f"{noted} of them do not keep all raw data" + ("" if notes else " (--notes lists them)"))
    click.echo(summary(verified))
    wrong = [str(one.path) for one in verified if not one.holds]
    if wrong:
        raise UserError(
            f"{len(wrong)} of {len(verified)} records do not hold: {', '.join(wrong)}; run their steps again"
        )
