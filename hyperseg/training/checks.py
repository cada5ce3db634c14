"""What can be known to be wrong before the first step is said before it."""

import os
import shutil
from pathlib import Path

import torch
from torch import nn

from hyperseg.data.prepared import PreparedDataset, Sample, read_image, read_label
from hyperseg.errors import UserError
from hyperseg.models.network import check_size
from hyperseg.networks import get_network
from hyperseg.training.loop import Validation
from hyperseg.training.recipe import Recipe


def check_training(
    variant: str, dataset: PreparedDataset, recipe: Recipe, device: torch.device, validation: Validation | None
) -> None:
    """Raise :class:`UserError` where recipe, data and device do not fit together."""
    network = get_network(variant)
    for key in ("crop_hw", "pad_hw"):
        size = getattr(recipe, key)
        if size is None or (key == "pad_hw" and recipe.crop_hw):
            continue
        try:
            check_size(network, *size)
        except UserError as error:
            raise UserError(f"training.{key} does not fit: {error}") from error
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if recipe.batch % (count * recipe.accumulate):
        raise UserError(
            f"training.batch {recipe.batch} cannot be shared equally by {count} processes"
            f"{f' in {recipe.accumulate} parts each' if recipe.accumulate > 1 else ''}; start another number of them"
        )
    if recipe.precision == "float16" and device.type == "cpu":
        raise UserError("training.precision is float16, which a CPU trains too slowly; set it to bfloat16 or float32")
    if recipe.selection == "best" and validation is None:
        raise UserError("training.selection is 'best', but nothing scores the epochs; set it to 'last'")
    _check_labelled(dataset, recipe.train_split, "train_split")
    if validation:
        key = "selection_split" if recipe.selection == "best" else "validation_split"
        _check_labelled(dataset, validation.split, key)


def check_disk(out: Path, model: nn.Module, recipe: Recipe) -> None:
    """Raise :class:`UserError` where weights and one checkpoint find no room.

    A checkpoint is the weights, two moments of each, and their average where there is one.
    """
    size = sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values())
    needed = size * (5 if recipe.ema_decay else 4)
    free = shutil.disk_usage(out).free
    if free < needed:
        raise UserError(
            f"{out} has {free / 2**20:.0f} MiB free, but weights and a checkpoint take {needed / 2**20:.0f} MiB; "
            "free space there or choose another --out"
        )


def _check_labelled(dataset: PreparedDataset, split: str, key: str) -> list[Sample]:
    samples = dataset.samples(split)
    if not samples:
        raise UserError(f"split '{split}' of dataset {dataset.id} in {dataset.root} is empty; choose another {key}")
    without = next((sample for sample in samples if sample.label is None), None)
    if without:
        raise UserError(f"the labels of split '{split}' of dataset {dataset.id} are withheld; choose another {key}")
    image, label = read_image(samples[0]), read_label(samples[0])
    if image.shape[:2] != label.shape:
        raise UserError(
            f"image {samples[0].image} is {image.shape[0]}x{image.shape[1]} and its label "
            f"{label.shape[0]}x{label.shape[1]}; run `hyperseg data verify`"
        )
    return samples
