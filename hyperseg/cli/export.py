"""``hyperseg export``: records in other formats."""

from pathlib import Path

import click

from hyperseg.errors import UserError

FORMATS = ("ro-crate", "codecheck", "huggingface")
FILE = click.Path(path_type=Path)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=FILE, metavar="RECORD_OR_FOLDER...")
@click.option("--out", required=True, type=FILE, help="Folder to make; it must not exist or be empty.")
@click.option("--format", "formats", multiple=True, type=click.Choice(FORMATS), help="Repeatable; all otherwise.")
@click.option("--workflow", type=FILE, help="The Snakefile that made them. [default: Snakefile where it exists]")
@click.option("--title", help="Name of the crate. [default: the campaigns' names]")
@click.option("--hub-dataset", "hub", multiple=True, metavar="ID=ORG/NAME", help="A dataset on the Hub; repeatable.")
def command(
    paths: tuple[Path, ...], out: Path, formats: tuple[str, ...], workflow: Path | None, title: str | None,
    hub: tuple[str, ...],
) -> None:  # fmt: skip
    """Write records to OUT as an RO-Crate (Workflow Run profile), CODECHECK's codecheck.yml and Hugging Face results.

    Records are verified first; those that do not hold are not exported.
    """
    from hyperseg.export.codecheck import write_codecheck
    from hyperseg.export.crate import write_crate
    from hyperseg.export.eval_results import write_eval_results
    from hyperseg.export.records import gather
    from hyperseg.files import new_folder

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is there and not an empty folder; name another one for --out")
    wrong = [pair for pair in hub if "=" not in pair]
    if wrong:
        raise UserError(f"--hub-dataset {wrong[0]} is not ID=ORG/NAME; write for instance streets=me/streets")
    if workflow is not None and not workflow.is_file():
        raise UserError(f"no workflow at {workflow}; give the Snakefile that made the records, or leave --workflow out")
    snakefile = workflow or (Path("Snakefile") if Path("Snakefile").is_file() else None)
    records = gather(paths)
    chosen = formats or FORMATS
    with new_folder(out) as folder:
        if "ro-crate" in chosen:
            campaigns = ", ".join(sorted({record.campaign for _, record in records.values()}))
            write_crate(folder, records, snakefile, title or f"HyperSeg records: {campaigns}")
        if "codecheck" in chosen:
            write_codecheck(folder, records)
        if "huggingface" in chosen:
            write_eval_results(folder, records, dict(pair.split("=", 1) for pair in hub))
    click.echo(f"{len(records)} records exported to {out} ({', '.join(chosen)})")
