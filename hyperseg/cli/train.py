"""``hyperseg train``: one variant, by a recipe scaled by a configuration."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hyperseg.cli.steps import NO_CAMPAIGN, choose_device, key_values, read_campaign

if TYPE_CHECKING:
    import torch
    from torch import nn

    from hyperseg.data.prepared import PreparedDataset
    from hyperseg.training.loop import Validation
    from hyperseg.training.recipe import Recipe


@click.command()
@click.option("--config", type=click.Path(path_type=Path), help="Campaign YAML; its `training:` changes the recipe.")
@click.option("--variant", required=True, help="Variant id, for example camvid_hyperseg_s.")
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Prepared dataset folder.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for weights and record.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
@click.option("--device", default="auto", show_default=True, type=click.Choice(["auto", "cpu", "cuda"]))
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change one training value; repeatable.")
def command(
    config: Path | None, variant: str, data: Path, out: Path, seed: int, device: str, changes: tuple[str, ...]
) -> None:
    """Train one variant; writes OUT/weights.safetensors and OUT/train.json.

    The released recipe of the variant, with the configuration's `training:` values over it. The same command gives the
    same weights, bit by bit, on the same machine.
    """
    from hyperseg.data.prepared import open_dataset
    from hyperseg.models.variants import get_variant
    from hyperseg.training.recipe import load_recipe

    chosen = get_variant(variant)
    campaign = read_campaign(config)
    settings = campaign.training.model_dump() if campaign else {}
    if campaign:
        settings.setdefault("threads", campaign.threads.train)
    recipe = load_recipe(variant, settings | key_values(changes))
    dataset = open_dataset(data)
    dataset.samples(recipe.train_split)  # an unknown split is named before torch is imported

    from hyperseg.training.run import train
    from hyperseg.training.stop import TrainingInterrupted

    torch_device = choose_device(device)
    validation = None
    if recipe.selection == "best":
        input_hw = (campaign.evaluation.input_of(variant) if campaign else None) or chosen.eval_hw
        validation = _validation(dataset, recipe, input_hw, torch_device)
    name = campaign.campaign if campaign else NO_CAMPAIGN
    try:
        record = train(
            variant, dataset, recipe, out, seed=seed, device=torch_device, campaign=name, validation=validation
        )
    except TrainingInterrupted as interrupted:
        click.echo(str(interrupted), err=True)
        sys.exit(128 + interrupted.signum)
    click.echo(f"{out / 'weights.safetensors'}  sha256 {record.network.weights_sha256}  {record.duration_s:.0f} s")


def _validation(
    dataset: "PreparedDataset", recipe: "Recipe", input_hw: tuple[int, int], device: "torch.device"
) -> "Validation":
    """Mean IoU on the recipe's selection split: as the authors count where void is a class, else the custom way."""
    from hyperseg.evaluation.evaluate import evaluate
    from hyperseg.evaluation.protocol import load_protocol
    from hyperseg.training.loop import Validation

    split = recipe.selection_split or "val"
    dataset.samples(split)
    protocol = load_protocol("paper" if recipe.void == "class" else "standard")

    def miou_percent(model: "nn.Module") -> float:
        return evaluate(model, dataset, split, protocol, input_hw=input_hw, device=device).miou_percent

    settings = {"split": split, "protocol": protocol.ref.model_dump(), "input_hw": list(input_hw)}
    return Validation(split, miou_percent, settings)
