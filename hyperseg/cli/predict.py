"""``hyperseg predict``: classes of pictures, a video or a camera."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hyperseg.cli import options
from hyperseg.cli.paths import NamedPath, OutPath
from hyperseg.cli.steps import choose_device, parse_hw
from hyperseg.errors import UserError, first_ten
from hyperseg.prediction import PRETRAINED, PRETRAINED_INPUT

if TYPE_CHECKING:
    from hyperseg.prediction.frames import Source
    from hyperseg.prediction.segmenter import Segmenter
    from hyperseg.prediction.writing import Writer

FEW = 4  # pictures that are done before a faster engine would be ready


@click.command()
@click.argument("source", type=NamedPath())
@click.option(
    "--weights", type=NamedPath(path_type=Path),
    help="A training's record or weights.safetensors, or a released .pth; HyperSeg-S for CamVid's classes otherwise.",
)  # fmt: skip
@click.option("--out", required=True, type=OutPath(path_type=Path), help="Folder for the results.")
@options.VARIANT
@click.option("--data", type=NamedPath(path_type=Path), help="Prepared dataset whose names and colours are shown.")
@click.option("--input", "input_size", metavar="HxW", help="Network input; default: the variant's, or the best known.")
@click.option(
    "--fit", default="resize", show_default=True, type=click.Choice(["resize", "pad"]),
    help="Frames are resized to the input, or run at their own size, padded.",
)  # fmt: skip
@click.option("--engine", default="auto", show_default=True, help="An inference engine; auto: the fastest here.")
@click.option("--frames", type=click.IntRange(min=1), help="Stop after so many frames.")
@click.option("--index", is_flag=True, help="Index pictures of a video's or camera's frames too.")
@options.THREADS
@options.DEVICE
def command(
    source: str, weights: Path | None, out: Path, variant: str | None, data: Path | None, input_size: str | None,
    fit: str, engine: str, frames: int | None, index: bool, threads: int | None, device: str,
) -> None:  # fmt: skip
    """Predict the classes of SOURCE: a picture, a folder of pictures, a video, or a camera's number.

    Writes overlays, the class of each pixel as index PNGs, and areas.csv with each class's share of every frame.
    """
    input_hw = parse_hw(input_size) if input_size is not None else None
    if input_hw and fit == "pad":
        raise UserError("--input says what frames are resized to, and --fit pad resizes nothing; leave one of them out")
    from hyperseg.prediction.frames import open_source

    opened = open_source(source, frames, out)

    import torch

    from hyperseg.cli.weights import load_network
    from hyperseg.data.prepared import open_dataset
    from hyperseg.latency.engines import get_engine
    from hyperseg.models.network import check_size
    from hyperseg.prediction.classes import classes_of
    from hyperseg.prediction.segmenter import Segmenter
    from hyperseg.prediction.writing import Writer

    if threads:
        torch.set_num_threads(threads)
    torch_device = choose_device(device)
    if engine != "auto":
        get_engine(engine, torch_device.type, "float32")
    path, dataset = _weights(weights) if weights else (PRETRAINED, "camvid_segnet")
    model = load_network(path, variant).to(torch_device)
    input_hw = input_hw or (model.variant.eval_hw if weights else PRETRAINED_INPUT)
    check_size(model.variant, *input_hw)
    classes = classes_of(model, dataset, open_dataset(data).classes if data else ())
    few = engine == "auto" and opened.count is not None and opened.count <= FEW
    segmenter = Segmenter(model, torch_device, input_hw, fit, engine, len(classes), few)  # type: ignore[arg-type]
    started = time.perf_counter()
    with Writer(out, classes, opened.rate if opened.moving else None, index or not opened.moving) as writer:
        count = _run(opened, segmenter, writer)
    _show(writer, segmenter, count, time.perf_counter() - started, opened)


def _run(source: "Source", segmenter: "Segmenter", writer: "Writer") -> int:
    """Predict every frame; a camera goes on until Ctrl-C."""
    count = 0
    try:
        for frame in source.frames:
            writer.add(frame, segmenter.predict(frame.pixels))
            count += 1
    except KeyboardInterrupt:
        click.echo(f"stopped by Ctrl-C after {count} frames; they are kept", err=True)
    return count


def _show(writer: "Writer", segmenter: "Segmenter", count: int, seconds: float, source: "Source") -> None:
    if source.unread and not count:
        raise UserError(_left_out(source))
    if not count:
        raise UserError(f"{source.title} gave no frame; check that it plays elsewhere")
    for note in source.notes:
        click.echo(f"warning: {note}", err=True)
    for entry, share in zip(writer.classes, writer.mean_areas(), strict=True):
        click.echo(f"{entry.name:20} {share:6.2f} % of the pixels")
    compared = ", ".join(f"{name} {ms:.0f} ms" for name, ms in segmenter.timings_ms.items())
    click.echo(f"engine {segmenter.engine}" + (f" (compared: {compared})" if compared else ""))
    network, others = sum(segmenter.network_s), seconds - segmenter.prepare_s
    click.echo(f"{count} frames: {count / network:.2f} FPS of the network alone, {count / others:.2f} FPS with files")
    click.echo(str(writer.folder))
    if source.unread:
        raise UserError(f"{_left_out(source)}; the results of the others are in {writer.folder}")


def _left_out(source: "Source") -> str:
    return f"cannot read {len(source.unread)} of {source.title}: {first_ten(source.unread)}; replace or remove them"


def _weights(path: Path) -> tuple[Path, str | None]:
    """The weights file, and the dataset that the training record beside it names."""
    from hyperseg.files import sha256_file
    from hyperseg.records import read_record

    record_file = path if path.suffix == ".json" else path.with_name("train.json")
    if path.suffix == ".json":
        path = path.with_name("weights.safetensors")
        if not path.is_file():
            raise UserError(f"beside {record_file} there is no weights.safetensors; name the weights file itself")
    if not path.is_file() or not record_file.is_file():
        return path, None
    record = read_record(record_file)
    if record.network.weights_sha256 != sha256_file(path):
        if record_file.name == "train.json" and path.name != "weights.safetensors":
            return path, None
        raise UserError(f"{record_file} is of other weights than {path}; name the weights file that was meant")
    return path, record.dataset.id if record.dataset else None
