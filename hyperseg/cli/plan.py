"""``hyperseg plan``: what a campaign will take."""

from pathlib import Path

import click


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--device", type=click.Choice(["cpu", "cuda"]), help="Plan for this device; default: the campaign's.")
def command(config: Path, device: str | None) -> None:
    """Count the jobs of CONFIG and estimate hours and disk from steps measured before. Runs nothing.

    The hours are of one job after another; what has never been measured on the device is left out and named.
    """
    from dataclasses import replace

    from rich.console import Console
    from rich.table import Table

    from hyperseg.pipeline.campaign import load_campaign
    from hyperseg.pipeline.checks import check
    from hyperseg.pipeline.plan import measured_records, plan
    from hyperseg.pipeline.progress import clock
    from hyperseg.pipeline.steps import Layout

    campaign = load_campaign(config)
    check(campaign)
    layout = Layout.here(campaign)
    layout = replace(layout, device=device) if device else layout
    steps = plan(layout, measured_records())
    table = Table("step", "variant", "jobs", "one job", "all", "disk", "from")
    for step in steps:
        one, every = ("?", "?") if step.job_s is None else (clock(step.job_s), clock(step.job_s * step.jobs))
        disk = f"{step.job_bytes * step.jobs / 1e6:.0f} MB"
        table.add_row(step.step, step.variant, str(step.jobs), one, every, disk, step.basis)
    Console().print(table)
    seconds = sum(step.job_s * step.jobs for step in steps if step.job_s is not None)
    unknown = sorted({f"{step.step} {step.variant}".strip() for step in steps if step.job_s is None})
    hours = f"{'at least ' if unknown else ''}{clock(seconds)} on one {'GPU' if layout.device == 'cuda' else 'CPU'}"
    gigabytes = sum(step.job_bytes * step.jobs for step in steps) / 1e9
    click.echo(f"{sum(step.jobs for step in steps)} jobs, {hours}, {gigabytes:.1f} GB of results")
    if unknown:
        click.echo(f"never measured on {layout.device}, so not in the hours: {', '.join(unknown)}")
