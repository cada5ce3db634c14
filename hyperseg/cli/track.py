"""``hyperseg track``: let DVC remember a campaign."""

from pathlib import Path

import click


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
def command(config: Path) -> None:
    """Record the dataset, weights, records and report of CONFIG with DVC, for the commit that you make next.

    Going back to that commit later, `hyperseg adopt CONFIG` brings the same bytes back. `dvc push` shares them.
    """
    from hyperseg.pipeline.track import track

    kept = track(config)
    click.echo(f"{config} is recorded; keep it with:")
    click.echo(f"  git add {' '.join(map(str, kept))} && git commit && dvc push")
