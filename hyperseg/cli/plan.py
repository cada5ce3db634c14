"""``hyperseg plan``: what campaigns will take."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

    from hyperseg.pipeline.plan import PlannedStep

_DEVICES = {"cpu": "CPU", "cuda": "GPU"}


@click.command()
@click.argument("configs", metavar="CONFIG...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--device", type=click.Choice(["cpu", "cuda"]), help="Plan for this device; default: the campaign's.")
def command(configs: tuple[Path, ...], device: str | None) -> None:
    """Count the jobs of each CONFIG and estimate hours and disk from steps measured before. Runs nothing.

    The hours are of one job after another; what has never been measured on the device is left out and named. Several
    campaigns have a table each, and one line for all.
    """
    from dataclasses import replace

    from rich.console import Console

    from hyperseg.pipeline.campaign import load_campaign
    from hyperseg.pipeline.checks import check
    from hyperseg.pipeline.plan import measured_records, plan
    from hyperseg.pipeline.several import refuse_clashes
    from hyperseg.pipeline.steps import Layout

    layouts = []
    for config in configs:
        campaign = load_campaign(config)
        check(campaign)
        layout = Layout.here(campaign)
        layouts.append(replace(layout, device=device) if device else layout)
    refuse_clashes(list(zip(configs, layouts, strict=True)))
    records = measured_records()
    plans = [plan(layout, records) for layout in layouts]
    for layout, steps in zip(layouts, plans, strict=True):
        if len(layouts) > 1:
            click.echo(f"campaign {layout.campaign.campaign}")
        Console().print(_table(steps))
        click.echo(_totals(steps, layout.device))
        if unknown := _unknown(steps):
            click.echo(f"never measured on {layout.device}, so not in the hours: {', '.join(unknown)}")
    if len(layouts) > 1:
        every = [step for steps in plans for step in steps]
        devices = " and ".join(sorted({layout.device for layout in layouts}))
        click.echo(f"all {len(layouts)} campaigns: {_totals(every, devices)}")


def _table(steps: "Sequence[PlannedStep]") -> "Table":
    from rich.table import Table

    from hyperseg.pipeline.progress import clock

    table = Table("step", "variant", "jobs", "one job", "all", "disk", "from")
    for step in steps:
        one, every = ("?", "?") if step.job_s is None else (clock(step.job_s), clock(step.job_s * step.jobs))
        disk = f"{step.job_bytes * step.jobs / 1e6:.0f} MB"
        table.add_row(step.step, step.variant, str(step.jobs), one, every, disk, step.basis)
    return table


def _totals(steps: "Sequence[PlannedStep]", device: str) -> str:
    from hyperseg.pipeline.progress import clock

    seconds = sum(step.job_s * step.jobs for step in steps if step.job_s is not None)
    hours = f"{'at least ' if _unknown(steps) else ''}{clock(seconds)} on one {_DEVICES.get(device, device)}"
    gigabytes = sum(step.job_bytes * step.jobs for step in steps) / 1e9
    return f"{sum(step.jobs for step in steps)} jobs, {hours}, {gigabytes:.1f} GB of results"


def _unknown(steps: "Sequence[PlannedStep]") -> list[str]:
    return sorted({f"{step.step} {step.variant}".strip() for step in steps if step.job_s is None})
