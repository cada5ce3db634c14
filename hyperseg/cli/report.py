"""``hyperseg report``: tables, figures and the page, from records alone."""

from pathlib import Path

import click

from hyperseg.errors import UserError
from hyperseg.report.facts import PAPER

FILE = click.Path(path_type=Path)


@click.command()
@click.argument("records", nargs=-1, type=FILE, metavar="RECORD_OR_FOLDER...")
@click.option("--out", type=FILE, help="Folder of the report; an earlier report in it is replaced.")
@click.option("--list", "listed", type=FILE, help="A text file that names records, one path a line.")
@click.option("--title", help="Heading of the page. [default: the campaigns' names]")
@click.option("--paper", type=FILE, help=f"The paper's numbers. [default: {PAPER} where that file exists]")
@click.option("--peers", type=FILE, multiple=True, help="Published peers, as in results/published; repeatable.")
@click.option("--card", "cards", type=FILE, multiple=True, help="A dataset card (card.json); repeatable.")
@click.option("--picture", "pictures", type=FILE, multiple=True, help="A picture for the page; repeatable.")
@click.option("--table", "tables", type=FILE, multiple=True, help="A Python file with a table of yours; repeatable.")
@click.option("--fill", "texts", type=FILE, multiple=True, help="Fill the marked blocks of a text; repeatable.")
@click.option("--reference", is_flag=True, help="This repository's own report, from results/reference.")
@click.option("--check", is_flag=True, help="Write nothing; fail unless the committed report and texts are up to date.")
def command(
    records: tuple[Path, ...],
    out: Path | None,
    listed: Path | None,
    title: str | None,
    paper: Path | None,
    peers: tuple[Path, ...],
    cards: tuple[Path, ...],
    pictures: tuple[Path, ...],
    tables: tuple[Path, ...],
    texts: tuple[Path, ...],
    reference: bool,
    check: bool,
) -> None:
    """Make tables, figures, metrics.json and index.html from records.

    Give record files, folders in which every *.json is a record, or lists of pictures (strips.csv).
    """
    from rich.console import Console

    if listed is not None:  # too many for a command line
        records = (*records, *map(Path, _lines(listed)))
    root = Path()
    if reference or check:
        from hyperseg.report.reference import INDEX, RECORDS, make, write_files
        from hyperseg.report.reference import check as check_in_step

        if records or out:
            raise UserError(f"--reference and --check read {RECORDS} alone; give them without records and --out")
        made = make(root)
        if check:
            check_in_step(root, made)
            click.echo(f"up to date: README, docs and reports match {RECORDS}")
        else:
            write_files(root, made)
            click.echo(f"report: {INDEX}")
        return
    if not texts and (out is None or not records):
        raise UserError("give --out FOLDER and at least one record or folder of records, or --fill FILE")
    if (out is None) != (not records):
        raise UserError("records and --out FOLDER go together; give both")
    if out is not None:
        from hyperseg.report.build import Sources, build_report
        from hyperseg.report.summary import render_collection

        paper = paper or (Path(PAPER) if Path(PAPER).exists() else None)
        collection = build_report(out, records, Sources(title, paper, peers, cards, pictures, tables))
        Console().print(render_collection(collection))
        click.echo(f"report: {out / 'index.html'}")
    for text in texts:
        from hyperseg.report.blocks import fill_file

        changed = fill_file(text, Path())
        click.echo(f"{text}: {'filled' if changed else 'up to date'}")


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the list {path}; give --list a text file with one path a line") from error
