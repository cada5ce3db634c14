"""``hyperseg adopt``: take over recorded results in a fresh clone."""

import click


@click.command()
@click.option("--pull/--no-pull", default=True, show_default=True, help="Fetch the results from DVC's remote first.")
def command(pull: bool) -> None:
    """Take over recorded results: dvc pull, check that dvc status is clean, then snakemake --touch --forceall.

    Nothing is computed again. Latencies of other machines are kept under their fingerprint; those that this machine
    lacks are named, and `make demo` takes them.
    """
    from hyperseg.pipeline.adopt import adopt

    missing = adopt(pull)
    click.echo("the recorded results are adopted: both engines find them up to date")
    if missing:
        click.echo(f"latencies that this machine lacks: {len(missing)}; `make demo` takes them")
