"""``hyperseg overlay``: pictures of predictions beside the labels."""

import io
from hashlib import sha256
from pathlib import Path

import click

from hyperseg.cli import options
from hyperseg.cli.paths import OutPath
from hyperseg.cli.steps import choose_device, evaluation_input, read_campaign
from hyperseg.errors import UserError


@click.command()
@options.WEIGHTS
@options.DATA
@options.SPLIT
@click.option("--out", required=True, type=OutPath(path_type=Path), help="Folder for the pictures.")
@click.option(
    "--count", default=4, show_default=True, type=click.IntRange(min=1), help="Images, evenly over the split."
)
@click.option(
    "--record", type=click.Path(path_type=Path), help="An evaluation of these weights: its worst and best images."
)
@click.option("--name", "names", multiple=True, help="An image by its name; repeatable, in place of --count.")
@click.option("--stem", help="Name the pictures STEM-1, STEM-2, ... in their order, in place of the images' names.")
@click.option("--protocol", default="standard", show_default=True, help="How void and sizes are read.")
@click.option("--format", "suffix", default="png", show_default=True, type=click.Choice(["png", "jpg"]))
@options.VARIANT
@options.CONFIG
@options.INPUT
@options.THREADS
@options.DEVICE
def command(
    weights: Path, data: Path, split: str, out: Path, count: int, record: Path | None, names: tuple[str, ...],
    stem: str | None, protocol: str, suffix: str, variant: str | None, config: Path | None, input_size: str | None,
    threads: int | None, device: str,
) -> None:  # fmt: skip
    """Write OUT/NAME.png: image, label, prediction and errors side by side, with a legend; and OUT/strips.csv.

    strips.csv names each picture with its mIoU and the hashes of picture, weights and dataset. `hyperseg report` shows
    the pictures of every such list among its records, `hyperseg verify` checks it.
    """
    import torch

    from hyperseg.cli.weights import load_network
    from hyperseg.data.prepared import open_dataset, read_image, read_label
    from hyperseg.evaluation.overlay import comparison
    from hyperseg.evaluation.predict import check_outputs, predict, scored_classes
    from hyperseg.evaluation.protocol import load_protocol
    from hyperseg.evaluation.strips import by_score, check_own, image_iou
    from hyperseg.files import sha256_file, write_bytes_atomic, write_text_atomic
    from hyperseg.records.strips import STRIPS_FILE, Strip, list_text

    campaign = read_campaign(config)
    dataset = open_dataset(data)
    reading = load_protocol(protocol).reading_of(dataset.id, released=weights.suffix != ".safetensors")
    samples = dataset.samples(split)
    if record is not None:
        names = by_score(record, weights, count)
        if len(names) < count:
            raise UserError(f"{record} scored {len(names)} images; ask for no more (--count, or report.strips)")
    if names:
        by_name = {sample.name: sample for sample in samples}
        unknown = [name for name in names if name not in by_name]
        if unknown:
            raise UserError(f"split {split} of {data} has no image '{unknown[0]}'; names are file names without suffix")
        samples = [by_name[name] for name in names]
    else:
        count = min(count, len(samples))
        samples = [samples[(2 * i + 1) * len(samples) // (2 * count)] for i in range(count)]
    files = [f"{stem}-{i}" if stem else sample.name for i, sample in enumerate(samples, start=1)]
    files = [f"{name}.{suffix}" for name in files]
    if threads:
        torch.set_num_threads(threads)
    model = load_network(weights, variant)
    check_outputs(model.num_classes, dataset)
    input_hw = evaluation_input(input_size, campaign, model.variant)
    torch_device = choose_device(device)
    model = model.to(torch_device)
    classes = scored_classes(dataset, reading)
    check_own(out, files)
    out.mkdir(parents=True, exist_ok=True)
    for file in files:
        (out / file).unlink(missing_ok=True)
    made = sha256_file(weights), dataset.info.id, dataset.version, split, protocol, f"{input_hw[0]}x{input_hw[1]}"
    strips = []
    for sample, file in zip(samples, files, strict=True):
        image, label = read_image(sample), read_label(sample, reading.void)
        hw = label.shape[0], label.shape[1]
        prediction = predict(model, image, hw, reading, input_hw, len(classes), torch_device).cpu().numpy()
        score = image_iou(label, prediction, len(classes))
        picture = comparison(image, label, prediction, classes, f"mIoU {score:.1f} %")
        content = io.BytesIO()
        picture.save(content, "JPEG" if suffix == "jpg" else "PNG", quality=88, optimize=True)
        strips.append(Strip(file, sha256(content.getvalue()).hexdigest(), sample.name, score, *made))
        write_text_atomic(out / STRIPS_FILE, list_text(strips))  # first: so a killed run's pictures are ours
        write_bytes_atomic(out / file, content.getvalue())
        click.echo(str(out / file))
