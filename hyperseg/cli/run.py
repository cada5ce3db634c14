"""``hyperseg run``: campaigns, from data to report."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hyperseg.errors import UserError

if TYPE_CHECKING:
    from hyperseg.pipeline.run import Outcome, Ready
    from hyperseg.pipeline.steps import Layout
    from hyperseg.pipeline.trainings import Choice


@click.command()
@click.argument("configs", metavar="CONFIG...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--cores", type=click.IntRange(min=1), help="Cores to use; default: all.")
@click.option(
    "--source",
    type=click.Path(path_type=Path),
    help="Folder of the published dataset, to prepare it from. Refused where several are still to be prepared.",
)
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
    configs: tuple[Path, ...],
    cores: int | None,
    source: Path | None,
    profile: Path | None,
    executor: str | None,
    trainings: "Choice",
    dry_run: bool,
) -> None:
    """Run the whole pipeline of each CONFIG, for example config/demo.yaml.

    What is up to date is left alone, so the same command goes on after an interruption. Several campaigns are all
    checked before the first starts; they run one after another, whatever becomes of one, and end in a report over all.
    Exit code 2: something you can mend, named in a sentence; 1: a step failed by a fault of this package.
    """
    from hyperseg.pipeline.profile import read_profile
    from hyperseg.pipeline.several import prepare_all

    try:
        ready = prepare_all(configs, cores=cores, source=source, profile=read_profile(profile, executor))
        if len(ready) == 1:
            sys.exit(_run(ready[0], trainings, dry_run))
        sys.exit(_run_all(ready, trainings, dry_run))
    except KeyboardInterrupt:
        click.echo("stopped; the same command goes on from here", err=True)
        sys.exit(130)


def _run(ready: "Ready", trainings: "Choice", dry_run: bool) -> int:
    """One campaign; returns the exit code."""
    outcome = ready.plan() if dry_run else ready.run(trainings)
    if outcome.failed:
        click.echo(
            f"{outcome.failed} steps failed, {outcome.done} are done and kept; run the same command again", err=True
        )
    elif not dry_run:
        _show(outcome)
    return outcome.code


def _run_all(ready: "Sequence[Ready]", trainings: "Choice", dry_run: bool) -> int:
    """One campaign after another, then the report over all; returns the exit code of the worst."""
    if not dry_run:
        for one in ready:
            one.protect(trainings)
    codes = {}
    for place, one in enumerate(ready):
        name = one.layout.campaign.campaign
        click.echo(f"campaign {name} ({place + 1} of {len(ready)})", err=True)
        try:
            codes[name] = _run(one.again() if place else one, trainings, dry_run)
        except UserError as error:
            click.echo(f"error: {error}", err=True)
            codes[name] = 2
    failed = [name for name, code in codes.items() if code]
    if failed:
        click.echo(f"not finished: {', '.join(failed)}", err=True)
    if not dry_run:
        _report_all([one.layout for one in ready])
    return min(filter(None, codes.values()), default=0)  # a bug of this package outranks a user's error


def _show(outcome: "Outcome") -> None:
    """The table of all results, where some are new, and the report."""
    from rich.console import Console

    from hyperseg.records import read_record_files
    from hyperseg.report.summary import render

    layout = outcome.layout
    if outcome.done:
        Console().print(render(read_record_files(map(Path, layout.records())).values()))
    else:
        click.echo("nothing to do: every result is up to date")
    click.echo(f"report: {layout.report}/index.html")


def _report_all(layouts: "Sequence[Layout]") -> None:
    """One report over every record that the campaigns have; an earlier one stays where it is of just these."""
    from hyperseg.pipeline.several import joint_report
    from hyperseg.pipeline.steps import PAPER, PEERS
    from hyperseg.report.build import Sources, build_report

    def there(names: Iterable[str]) -> list[Path]:
        return [path for path in map(Path, dict.fromkeys(names)) if path.is_file()]

    records = there(name for layout in layouts for name in (*layout.records(), *layout.strip_lists()))
    own = there(f"{layout.report}/index.html" for layout in layouts)
    if not records:
        return
    page = joint_report(layouts) / "index.html"
    newest = max(path.stat().st_mtime for path in (*records, *own))
    if not page.is_file() or page.stat().st_mtime < newest:
        cards = there(layout.card for layout in layouts)
        build_report(page.parent, records, Sources(None, Path(PAPER), [Path(peer) for peer in PEERS], cards))
    click.echo(f"report over all {len(layouts)} campaigns: {page}")
