"""``hyperseg data``: generate, fetch, verify, prepare and inspect datasets."""

from pathlib import Path

import click

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group()
def command() -> None:
    """Generate, fetch, verify, prepare and inspect datasets."""


@command.command()
@click.option("--out", required=True, type=FOLDER, help="Folder of the dataset, for example data/streets.")
@click.option("--train", default=64, show_default=True, type=click.IntRange(min=1), help="Training images.")
@click.option("--val", default=16, show_default=True, type=click.IntRange(min=0), help="Validation images.")
@click.option("--test", default=16, show_default=True, type=click.IntRange(min=1), help="Test images.")
@click.option("--height", default=360, show_default=True, type=click.IntRange(min=32), help="Pixels.")
@click.option("--width", default=480, show_default=True, type=click.IntRange(min=32), help="Pixels.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Same seed, same bytes.")
def streets(out: Path, train: int, val: int, test: int, height: int, width: int, seed: int) -> None:
    """Generate driving scenes with CamVid's 11 classes."""
    from hyperseg.data.staging import staged_folder
    from hyperseg.data.streets import generate

    with staged_folder(out) as stage:
        generate(stage, train=train, val=val, test=test, height=height, width=width, seed=seed)
    _report(out)


@command.command()
@click.argument("dataset", type=click.Choice(["camvid_segnet"]))
@click.option("--source", required=True, type=FOLDER, help="Folder with the published files.")
@click.option("--out", required=True, type=FOLDER, help="Folder of the dataset, for example data/camvid_segnet.")
def prepare(dataset: str, source: Path, out: Path) -> None:
    """Bring a published dataset, checked, into the layout that every command reads."""
    from hyperseg.data import camvid_segnet
    from hyperseg.data.staging import staged_folder

    with staged_folder(out) as stage:
        camvid_segnet.prepare(source, stage)
    _report(out)


@command.command()
@click.argument("folder", type=FOLDER)
def verify(folder: Path) -> None:
    """Check every byte, pair, size and label value of a prepared dataset."""
    from hyperseg.data.verify import verify as verify_folder

    verify_folder(folder)
    _report(folder)


def _report(folder: Path) -> None:
    from hyperseg.data.prepared import open_dataset

    dataset = open_dataset(folder)
    counts = ", ".join(f"{split} {count}" for split, count in dataset.splits.items())
    click.echo(f"{folder}: {dataset.id}, {counts}, version {dataset.version[:12]}")
