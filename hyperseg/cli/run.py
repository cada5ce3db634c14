"""``hyperseg run``: one campaign, from data to report."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hyperseg.pipeline.steps import Layout
    from hyperseg.pipeline.trainings import Choice


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--cores", type=click.IntRange(min=1), help="Cores to use; default: all.")
@click.option("--source", type=click.Path(path_type=Path), help="Folder of the published dataset, to prepare it from.")
@click.option("--profile", type=click.Path(path_type=Path), help="Snakemake profile, for example profiles/slurm.")
@click.option("--executor", help="Snakemake executor of the jobs; default: the profile's, or this machine.")
@click.option(
    "--trainings",
    type=click.Choice(["ask", "keep", "redo"]),
    default="ask",
    show_default=True,
    help="Finished trainings whose code, configuration or data have changed: refuse, keep, or make them again.",
)
@click.option("--dry-run", is_flag=True, help="Show what would run and why; run nothing.")
def command(
    config: Path,
    cores: int | None,
    source: Path | None,
    profile: Path | None,
    executor: str | None,
    trainings: "Choice",
    dry_run: bool,
) -> None:
    """Run the whole pipeline of CONFIG, for example config/demo.yaml.

    What is up to date is left alone, so the same command goes on after an interruption. Exit code 2: something you can
    mend, named in a sentence; 1: a step failed by a fault of this package.
    """
    from hyperseg.pipeline.profile import read_profile
    from hyperseg.pipeline.run import run

    try:
        where = read_profile(profile, executor)
        outcome = run(config, cores=cores, dry_run=dry_run, source=source, profile=where, trainings=trainings)
    except KeyboardInterrupt:
        click.echo("stopped; the same command goes on from here", err=True)
        sys.exit(130)
    if outcome.failed:
        click.echo(
            f"{outcome.failed} steps failed, {outcome.done} are done and kept; run the same command again", err=True
        )
        sys.exit(1 if outcome.own_fault else 2)
    if dry_run:
        return
    if not outcome.done:
        click.echo("nothing to do: every result is up to date")
    else:
        _summarize(outcome.layout)
    click.echo(f"report: {outcome.layout.report}/index.html")


def _summarize(layout: "Layout") -> None:
    """The table of all results."""
    from rich.console import Console

    from hyperseg.records import read_record_files
    from hyperseg.report.summary import render

    Console().print(render(read_record_files(map(Path, layout.records())).values()))
