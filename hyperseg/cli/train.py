"""``hyperseg train``: one variant, by a recipe scaled by a configuration."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hyperseg.cli import options
from hyperseg.cli.paths import OutPath
from hyperseg.cli.steps import NO_CAMPAIGN, choose_device, evaluation_input, key_values, read_campaign
from hyperseg.errors import UserError
from hyperseg.files import sha256_file

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn

    from hyperseg.data.prepared import PreparedDataset
    from hyperseg.training.loop import Validation
    from hyperseg.training.recipe import Recipe
    from hyperseg.training.setup import Initial


@click.command()
@click.option("--config", type=click.Path(path_type=Path), help="Campaign YAML; its `training:` changes the recipe.")
@click.option("--variant", required=True, help="Variant id, for example camvid_hyperseg_s.")
@options.DATA
@click.option("--out", type=OutPath(path_type=Path), help="Folder for weights and record.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**63 - 1))
@options.DEVICE
@click.option("--scale", type=float, metavar="F", help="F times the recipe's images, on the same learning rate curve.")
@click.option("--init", type=click.Path(path_type=Path), help="Weights to start from, in place of ImageNet's.")
@click.option("--renew-head", is_flag=True, help="Make anew what of --init does not fit another number of classes.")
@click.option("--explain", is_flag=True, help="Print the schedule, and time and memory after 20 steps; write nothing.")
@click.option(
    "--watch", multiple=True, type=click.Choice(["tensorboard", "dvclive"]), help="Live curves in OUT; repeatable."
)
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change one training value; repeatable.")
def command(
    config: Path | None, variant: str, data: Path, out: Path | None, seed: int, device: str, scale: float | None,
    init: Path | None, renew_head: bool, explain: bool, watch: tuple[str, ...], changes: tuple[str, ...],
) -> None:  # fmt: skip
    """Train one variant; writes OUT/weights.safetensors and OUT/train.json.

    The released recipe of the variant, with the configuration's `training:` values over it. The same command gives the
    same weights, bit by bit, on the same machine.
    """
    from hyperseg.data.card import warn_of_labels
    from hyperseg.data.prepared import open_dataset
    from hyperseg.networks import get_network
    from hyperseg.training.recipe import for_dataset, load_recipe

    if explain:
        out = None  # nothing is written
    elif out is None:
        raise UserError("--out is missing; name the folder for weights and record")
    if renew_head and init is None:
        raise UserError("--renew-head says what is made anew of --init, which is missing; add it or leave both out")
    chosen = get_network(variant)
    campaign = read_campaign(config)
    settings = campaign.training.model_dump() if campaign else {}
    if campaign:
        settings.setdefault("threads", campaign.threads.train)
    settings |= key_values(changes)
    dataset = open_dataset(data)
    warn_of_labels(dataset)
    labelled = [split for split in dataset.splits if split not in dataset.info.unlabelled]
    recipe, notes = for_dataset(load_recipe(variant, settings), settings, dataset.id, labelled)
    if scale is not None:
        recipe = recipe.scaled(scale)
        notes.append(f"the schedule is the recipe's times {scale:g}")
    dataset.samples(recipe.train_split)  # an unknown split is named before torch is imported
    if os.environ.get("RANK", "0") == "0":  # under torchrun one process speaks
        for note in notes:
            click.echo(f"note: {note}", err=True)

    from hyperseg.models.checkpoint_file import check_file
    from hyperseg.training.checks import check_training
    from hyperseg.training.run import train
    from hyperseg.training.setup import Initial
    from hyperseg.training.stop import TrainingInterrupted

    torch_device = choose_device(device)
    validation = None
    if recipe.scored_split:
        validation = _validation(dataset, recipe, evaluation_input(None, campaign, chosen), torch_device)
    initial = None
    if init:
        check_file(init)
        initial = Initial(init, sha256_file(init), renew_head)
    if out is None:
        check_training(variant, dataset, recipe, torch_device, validation)
        _explain(variant, dataset, recipe, seed, torch_device, initial)
        return
    name = campaign.campaign if campaign else NO_CAMPAIGN
    try:
        record = train(
            variant, dataset, recipe, out, seed=seed, device=torch_device, campaign=name, validation=validation,
            initial=initial, notes=notes, watch=watch,
        )  # fmt: skip
    except TrainingInterrupted as interrupted:
        click.echo(str(interrupted), err=True)
        sys.exit(128 + interrupted.signum)
    if record is None:  # one of several processes, and not the one that writes
        return
    click.echo(f"{out / 'weights.safetensors'}  sha256 {record.network.weights_sha256}  {record.duration_s:.0f} s")


def _validation(
    dataset: "PreparedDataset", recipe: "Recipe", input_hw: tuple[int, int], device: "torch.device"
) -> "Validation":
    """Mean IoU on the recipe's selection split, as the authors score the epochs of a training."""
    import numpy as np

    from hyperseg.data.prepared import read_image, read_label
    from hyperseg.evaluation.evaluate import evaluate
    from hyperseg.evaluation.overlay import comparison
    from hyperseg.evaluation.predict import predict, scored_classes
    from hyperseg.evaluation.protocol import load_protocol
    from hyperseg.training.loop import Validation

    split = recipe.scored_split or "val"
    dataset.samples(split)
    protocol = load_protocol("selection")
    reading = protocol.reading_of(dataset.id).model_copy(update={"void": recipe.void})

    def miou_percent(model: "nn.Module") -> float:
        numbers = evaluate(model, dataset, split, protocol, input_hw=input_hw, device=device, reading=reading)
        return numbers.miou_percent

    def picture(model: "nn.Module") -> "np.ndarray":
        sample = dataset.samples(split)[0]
        image, label = read_image(sample), read_label(sample, reading.void)
        classes = scored_classes(dataset, reading)
        plain = reading.model_copy(update={"geometry": "pad" if reading.geometry == "pad" else "resize"})
        was_training = model.training
        hw = label.shape[0], label.shape[1]
        prediction = predict(model.eval(), image, hw, plain, input_hw, len(classes), device).cpu().numpy()
        model.train(was_training)
        return np.asarray(comparison(image, label, prediction, classes))

    settings = {"split": split, "protocol": protocol.ref.model_dump(), "input_hw": list(input_hw)}
    return Validation(split, miou_percent, settings, picture)


def _explain(
    variant: str,
    dataset: "PreparedDataset",
    recipe: "Recipe",
    seed: int,
    device: "torch.device",
    initial: "Initial | None",
) -> None:
    from hyperseg.allocator import keep_freed_memory
    from hyperseg.training.explain import duration, estimate, outline
    from hyperseg.training.setup import make_deterministic, make_setup

    for line in outline(recipe, len(dataset.samples(recipe.train_split)), recipe.scored_split):
        click.echo(line)
    make_deterministic(seed, recipe.threads)
    if device.type == "cpu":
        keep_freed_memory()  # as the training does
    found = estimate(make_setup(variant, dataset, recipe, seed, device, initial=initial), recipe, device)
    click.echo(
        f"measured on {found.steps} steps on {device.type}: {1000 * found.step_s:.0f} ms a step, of which "
        f"{1000 * found.loading_s:.0f} ms wait for the batch; {recipe.batch / found.step_s:.1f} images/s"
    )
    click.echo(f"peak memory {found.peak_memory_bytes / 2**20:.0f} MiB")
    scores = " and the scores" if recipe.scored_split else ""
    click.echo(f"the training would take {duration(found.step_s * recipe.steps)}, without start{scores}")
