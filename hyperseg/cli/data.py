"""``hyperseg data``: generate, fetch, verify, prepare and inspect datasets."""

from pathlib import Path
from typing import Literal

import click

from hyperseg.cli.paths import OutPath
from hyperseg.errors import UserError

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
CATALOGUE = click.option("--catalogue", type=FILE, help="YAML file that changes what is published, adds mirrors say.")
DOWNLOADS = click.option(
    "--downloads", type=FOLDER, default=Path("data/downloads"), show_default=True, help="Where archives are kept."
)


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
    from hyperseg.datasets.progress import counting_progress
    from hyperseg.datasets.sealing import seal
    from hyperseg.datasets.staging import staged_folder
    from hyperseg.streets import generate

    counts = {"train": train, "val": val, "test": test}
    with staged_folder(out) as stage, counting_progress() as progress:
        task = progress.add_task("streets", total=sum(counts.values()))
        generate(
            stage,
            **counts,
            height=height,
            width=width,
            seed=seed,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
        seal(stage)
    _report(out)


@command.command("list")
def list_command() -> None:
    """List the published datasets: id, title, images per split."""
    from hyperseg.datasets.published import published_table

    for name, published in published_table().items():
        counts = " or ".join(", ".join(f"{split} {n}" for split, n in splits.items()) for splits in published.splits)
        click.echo(f"{name}: {published.title}; {counts or 'as many images as asked for'}")


@command.command()
@click.argument("dataset")
@DOWNLOADS
@CATALOGUE
@click.option("--mirror", "mirrors", multiple=True, metavar="URL", help="Address of a folder that has the archives.")
@click.option("--account", is_flag=True, help="Cityscapes: log in with your account and download.")
@click.option(
    "--silence", type=click.IntRange(1, 86400), default=30, show_default=True,
    help="Seconds to wait for a silent server.",
)  # fmt: skip
def fetch(
    dataset: str, downloads: Path, catalogue: Path | None, mirrors: tuple[str, ...], account: bool, silence: int
) -> None:
    """Download a dataset's archives; an interrupted download goes on where it stopped."""
    from hyperseg.datasets import fetch as fetching
    from hyperseg.datasets.catalogue import catalogued
    from hyperseg.datasets.cityscapes_account import account_downloader, login, with_addresses
    from hyperseg.datasets.disk import readable_size
    from hyperseg.datasets.download import Patience
    from hyperseg.datasets.progress import bytes_progress

    published = catalogued(dataset, catalogue)
    if not published.archives:
        raise UserError(
            f"{dataset} has no archive that could be downloaded; "
            + (f"make it with `{published.made_by}`" if published.made_by else f"bring {published.alternative}")
        )
    folder = downloads / published.folder
    patience = Patience(silence_s=silence)
    archives, make = list(published.archives), fetching.plain_downloader(patience)
    gated = fetching.missing_gated(published, folder)
    if account and dataset != "cityscapes":
        raise UserError(f"--account is for cityscapes, and {dataset} needs none; leave it out")
    if gated and not account and not mirrors:
        raise gated
    if gated and account:
        session = login()
        archives, make = with_addresses(published.archives, session), account_downloader(session, patience)
    with bytes_progress() as progress:
        fetched = fetching.fetch_archives(archives, folder, make, progress, mirrors, published.unpacked_bytes)
    for one in fetched:
        state = "downloaded" if one.downloaded else "already there"
        click.echo(f"{one.path}: {state} and checked, {readable_size(one.path.stat().st_size)}")
    click.echo(f"licence: {published.licence}")
    click.echo(f"next: hyperseg data prepare {dataset} --source {folder} --out data/{dataset}")


@command.command()
@click.argument("dataset")
@click.option("--source", type=click.Path(path_type=Path), help="Archive or folder. [default: where fetch puts it]")
@click.option("--out", required=True, type=FOLDER, help="Folder of the dataset, for example data/camvid_segnet.")
@click.option("--partial", is_flag=True, help="Take what there is of the dataset's images; title and notes say so.")
@click.option(
    "--unknown-colours",
    type=click.Choice(["refuse", "ignore"]),
    default="refuse",
    show_default=True,
    help="CamVid: what to do with label colours that are none of the 32.",
)
@DOWNLOADS
@CATALOGUE
def prepare(
    dataset: str,
    source: Path | None,
    out: Path,
    partial: bool,
    unknown_colours: Literal["refuse", "ignore"],
    downloads: Path,
    catalogue: Path | None,
) -> None:
    """Bring a published dataset, checked, into the layout that every command reads."""
    from hyperseg.datasets.catalogue import catalogued
    from hyperseg.datasets.preparing import prepare_dataset

    published = catalogued(dataset, catalogue)
    folder = source or downloads / published.folder
    if published.prepare and not folder.exists():
        files = " and ".join(f"{archive.file} ({archive.size})" for archive in published.archives)
        gated = any(archive.gated for archive in published.archives)
        places = [files] if files else []
        places += [published.alternative] if published.alternative and not gated else []
        fetch = f"run `hyperseg data fetch {dataset}`, or " if files else ""
        raise UserError(f"there is no {folder}: {fetch}give --source the place of {' or of '.join(places)}")
    made = prepare_dataset(published, folder, out, unknown_colours, partial=partial, catalogue=catalogue)
    for note in made.info.notes:
        click.echo(f"note: {note}")
    _report(out)


@command.command()
@click.argument("folder", type=FOLDER)
@CATALOGUE
def verify(folder: Path, catalogue: Path | None) -> None:
    """Check every byte, pair, size and label value of a prepared dataset."""
    from hyperseg.data.description import read_info
    from hyperseg.data.manifest import read_manifest
    from hyperseg.datasets.progress import bytes_progress
    from hyperseg.datasets.verify import verify as verify_folder

    read_info(folder)
    total = sum(entry.bytes for entry in read_manifest(folder).files.values())
    with bytes_progress() as progress:
        task = progress.add_task("verify", total=total)
        verify_folder(folder, catalogue, lambda size: progress.advance(task, size))
    _report(folder)


@command.command()
@click.argument("folder", type=FOLDER)
@click.option("--record", is_flag=True, help="After a change of your own: check the folder and write its new version.")
def version(folder: Path, record: bool) -> None:
    """Print the version of a prepared dataset, computed from its files."""
    from hyperseg.data.description import read_info
    from hyperseg.data.hashing import sha256_files
    from hyperseg.data.manifest import dataset_files, version_of
    from hyperseg.datasets.disk import disk_errors
    from hyperseg.datasets.sealing import seal

    read_info(folder)
    if record:
        with disk_errors(folder, "free some space, or make the folder one that can be written"):
            click.echo(seal(folder).version)
        return
    files = dataset_files(folder)
    digests = sha256_files(files.values())
    click.echo(version_of({name: digests[path] for name, path in files.items()}))


@command.command()
@click.argument("folder", type=FOLDER)
@click.option(
    "--out", type=OutPath(path_type=Path, dir_okay=False), help="PNG to write. [default: reports/data/<id>.png]"
)
@click.option("--rows", default=4, show_default=True, type=click.IntRange(1, 20), help="Samples on the sheet.")
def show(folder: Path, out: Path | None, rows: int) -> None:
    """Write a contact sheet of a prepared dataset and print its table."""
    from rich.console import Console

    from hyperseg.data.prepared import open_dataset
    from hyperseg.datasets.card import read_card
    from hyperseg.datasets.card_text import table
    from hyperseg.datasets.disk import disk_errors
    from hyperseg.datasets.show import write_sheet

    dataset, card = open_dataset(folder), read_card(folder)
    path = out or Path("reports/data") / f"{dataset.id}.png"
    with disk_errors(path, "give another --out"):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_sheet(dataset, card, path, rows)
    Console().print(table(card))
    click.echo(f"contact sheet: {path}")


@command.command()
@click.argument("folder", type=FOLDER)
@click.option(
    "--out",
    type=OutPath(path_type=Path, file_okay=False),
    help="Write <id>.md, <id>.html and <id>.croissant.json there, not the terminal.",
)
def card(folder: Path, out: Path | None) -> None:
    """Show the card of a prepared dataset, or export it as Markdown, HTML and Croissant metadata."""
    from hyperseg.data.prepared import open_dataset
    from hyperseg.datasets.card import read_card
    from hyperseg.datasets.card_text import html, markdown
    from hyperseg.datasets.croissant import croissant_text
    from hyperseg.datasets.published import find_published
    from hyperseg.files import write_text_atomic

    dataset, content = open_dataset(folder), read_card(folder)
    if out is None:
        click.echo(markdown(content), nl=False)
        return
    published = find_published(dataset.id)
    texts = {
        f"{dataset.id}.md": markdown(content),
        f"{dataset.id}.html": html(content),
        f"{dataset.id}.croissant.json": croissant_text(dataset, content, published.homepage if published else None),
    }
    for name, text in texts.items():
        if text is None:
            click.echo(f"left out {name}: mlcroissant is not installed (the extra `datasets`)")
        else:
            write_text_atomic(out / name, text)
            click.echo(str(out / name))


@command.command()
@click.argument("folder", type=FOLDER)
@click.option("--classes", required=True, type=FILE, help="YAML with the list of classes.")
@click.option("--out", type=FOLDER, help="Folder of the dataset. [default: in place]")
@click.option("--label-suffix", default="", metavar="TEXT", help="What labels are called after their image, _mask say.")
@click.option(
    "--unknown-colours",
    type=click.Choice(["refuse", "ignore"]),
    default="refuse",
    show_default=True,
    help="Colour labels: what to do with colours that the file of classes does not list.",
)
def add(
    folder: Path, classes: Path, out: Path | None, label_suffix: str, unknown_colours: Literal["refuse", "ignore"]
) -> None:
    """Make a folder of images and labels of your own a dataset."""
    from hyperseg.datasets.own import add as add_copy
    from hyperseg.datasets.own import add_in_place

    if out:
        dataset = add_copy(folder, classes, out, label_suffix=label_suffix, unknown=unknown_colours)
    elif label_suffix or unknown_colours == "ignore":
        raise UserError(
            "--label-suffix and --unknown-colours change labels, which stay as they are in place; add --out"
        )
    else:
        dataset = add_in_place(folder, classes)
    _report(dataset.root)


def _report(folder: Path) -> None:
    from hyperseg.data.card import warn_of_labels
    from hyperseg.data.prepared import open_dataset

    dataset = open_dataset(folder)
    counts = ", ".join(f"{split} {count}" for split, count in dataset.splits.items())
    click.echo(f"{folder}: {dataset.id}, {counts}, version {dataset.version[:12]}")
    warn_of_labels(dataset)
