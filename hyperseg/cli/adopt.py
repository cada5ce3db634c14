"""``hyperseg adopt``: take over recorded results in a fresh clone."""

from pathlib import Path

import click


@click.command()
@click.argument("config", type=click.Path(path_type=Path), default=Path("config/demo.yaml"))
@click.option("--pull/--no-pull", default=True, show_default=True, help="Fetch the results from DVC's remote first.")
def command(config: Path, pull: bool) -> None:
    """Take over the recorded results of CONFIG (default: config/demo.yaml).

    Runs dvc pull, checks that dvc status is clean, then snakemake --touch --forceall. Nothing is computed again.
    Latencies of other machines are kept under their fingerprint; those that this machine lacks are named.
    """
    from hyperseg.pipeline.adopt import adopt

    missing = adopt(config, pull)
    click.echo("the recorded results are adopted: both engines find them up to date")
    if missing:
        click.echo(f"latencies that this machine lacks: {len(missing)}; `hyperseg run {config}` takes them")
