"""``hyperseg report``: tables, figures and the page, from records alone."""

from pathlib import Path

import click

PAPER = Path("results/paper/paper.csv")
FILE = click.Path(path_type=Path)


@click.command()
@click.argument("records", nargs=-1, type=FILE, metavar="RECORD_OR_FOLDER...")
@click.option("--out", type=FILE, help="Folder of the report; an earlier report in it is replaced.")
@click.option("--title", help="Heading of the page; else the campaigns' names.")
@click.option("--paper", type=FILE, help=f"The paper's numbers; {PAPER} where that file exists.")
@click.option("--peers", type=FILE, multiple=True, help="Published peers, as in results/published; repeatable.")
@click.option("--card", "cards", type=FILE, multiple=True, help="A dataset card (card.json); repeatable.")
@click.option("--picture", "pictures", type=FILE, multiple=True, help="A picture for the page; repeatable.")
@click.option("--readme", type=FILE, help="Fill the marked blocks of this file from the records they name.")
def command(
    records: tuple[Path, ...],
    out: Path | None,
    title: str | None,
    paper: Path | None,
    peers: tuple[Path, ...],
    cards: tuple[Path, ...],
    pictures: tuple[Path, ...],
    readme: Path | None,
) -> None:
    """Make tables, figures, metrics.json and index.html from records.

    Give record files, or folders in which every *.json is a record.
    """
    from rich.console import Console

    from hyperseg.errors import UserError

    if readme is None and (out is None or not records):
        raise UserError("give --out FOLDER and at least one record or folder of records, or --readme FILE")
    if (out is None) != (not records):
        raise UserError("records and --out FOLDER go together; give both")
    if out is not None:
        from hyperseg.report.build import Sources, build_report
        from hyperseg.report.summary import render_collection

        paper = paper or (PAPER if PAPER.exists() else None)
        collection = build_report(out, records, Sources(title, paper, peers, cards, pictures))
        Console().print(render_collection(collection))
        click.echo(f"report: {out / 'index.html'}")
    if readme is not None:
        from hyperseg.report.readme import fill_file

        changed = fill_file(readme)
        click.echo(f"{readme}: {'filled' if changed else 'in step already'}")
