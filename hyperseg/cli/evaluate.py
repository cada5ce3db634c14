"""``hyperseg evaluate``: score a weights file on a split under an evaluation protocol."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hyperseg.cli import options
from hyperseg.cli.paths import OutPath
from hyperseg.cli.steps import NO_CAMPAIGN, check_record_file, choose_device, evaluation_input, read_campaign

if TYPE_CHECKING:
    from hyperseg.records import EvaluationNumbers


@click.command()
@options.WEIGHTS
@options.DATA
@options.SPLIT
@click.option("--protocol", default="standard", show_default=True, help="paper, standard or selection.")
@click.option("--out", required=True, type=OutPath(path_type=Path), help="Record to write (JSON).")
@options.VARIANT
@options.CONFIG
@options.INPUT
@click.option("--normalization", type=click.Choice(["imagenet", "half"]), help="Override the protocol's.")
@click.option("--flip", is_flag=True, help="Average in the scores of the mirror image; no protocol does.")
@options.THREADS
@options.DEVICE
def command(
    weights: Path, data: Path, split: str, protocol: str, out: Path, variant: str | None, config: Path | None,
    input_size: str | None, normalization: str | None, flip: bool, threads: int | None, device: str,
) -> None:  # fmt: skip
    """Score WEIGHTS on a split of a dataset and write the record."""
    import torch

    from hyperseg.cli.weights import load_network, training_seed
    from hyperseg.data.card import warn_of_labels
    from hyperseg.data.prepared import open_dataset
    from hyperseg.evaluation.protocol import load_protocol
    from hyperseg.evaluation.run import evaluate_to_record
    from hyperseg.records import EvaluationNumbers

    check_record_file(out)
    campaign = read_campaign(config)
    chosen = load_protocol(protocol)
    dataset = open_dataset(data)
    warn_of_labels(dataset)
    dataset.samples(split)
    if threads:
        torch.set_num_threads(threads)
    model = load_network(weights, variant)
    record = evaluate_to_record(
        model,
        weights,
        dataset,
        split,
        chosen,
        out,
        input_hw=evaluation_input(input_size, campaign, model.variant),
        device=choose_device(device),
        seed=training_seed(weights),
        campaign=campaign.campaign if campaign else NO_CAMPAIGN,
        normalization=normalization,  # type: ignore[arg-type]
        flip=flip,
    )
    assert isinstance(record.numbers, EvaluationNumbers)
    _show(record.numbers)
    click.echo(f"{out}  {protocol} on {dataset.id} {split}: mIoU {record.numbers.miou_percent:.2f} %")


def _show(numbers: "EvaluationNumbers") -> None:
    """A table of the classes' IoU on the terminal."""
    from rich.console import Console
    from rich.table import Table

    table = Table("class", "IoU %", "ground-truth pixels", box=None)
    for entry in numbers.classes:
        shown = "absent" if entry.iou_percent is None else f"{entry.iou_percent:.2f}"
        table.add_row(entry.name, shown, f"{entry.pixels:,}")
    Console().print(table)
    interval = numbers.miou_interval
    if interval:
        click.echo(f"interval {interval.low:.2f} to {interval.high:.2f} % ({100 * interval.level:.0f} %, over images)")
    click.echo(
        f"majority class alone {numbers.majority_miou_percent:.2f} %, "
        f"pixel accuracy {numbers.pixel_accuracy_percent:.2f} %"
    )
