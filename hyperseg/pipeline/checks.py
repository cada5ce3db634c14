"""Checks before the first step: what would make a later step fail is refused here.

Imports no torch. Each function raises :class:`UserError` with one sentence.
"""

import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

from hyperseg.data.description import read_info
from hyperseg.data.prepared import open_dataset
from hyperseg.datasets.published import find_published, published_table
from hyperseg.errors import UserError
from hyperseg.evaluation.protocol import load_protocol as load_evaluation_protocol
from hyperseg.latency.engines import engine_table
from hyperseg.latency.protocol import Precision
from hyperseg.latency.protocol import load_protocol as load_latency_protocol
from hyperseg.networks import get_network
from hyperseg.pipeline.campaign import Campaign
from hyperseg.pipeline.dataset import check_unchanged
from hyperseg.pipeline.steps import Layout
from hyperseg.rivals import rival_table
from hyperseg.training.recipe import Recipe, for_dataset, load_recipe


def check(campaign: Campaign) -> None:
    """Check early what a later step would refuse: recipes, protocols, backbones, sizes, splits, engines, precisions."""
    recipes = {variant: load_recipe(variant, campaign.training.model_dump()) for variant in campaign.variants}
    for protocol in campaign.evaluation.protocols:
        load_evaluation_protocol(protocol)
    for protocol in campaign.latency.protocols:
        load_latency_protocol(protocol)
    _check_engines(campaign)
    for variant, recipe in recipes.items():
        _check_backbone(recipe)
        _check_sizes(campaign, variant, recipe)
    _check_splits(campaign, recipes)


def check_machine(layout: Layout) -> list[str]:
    """Refuse a variant that no engine can time on this machine; returns a sentence for each engine left out."""
    for variant in layout.campaign.variants:
        for name in layout.engines(variant):
            if missing := layout.lacks(name):
                raise UserError(f"latency.engines names {name}, which cannot run here: {missing}")
    named = {name: layout.lacks(name) for name in layout.campaign.latency.all_engines}
    return [f"engine {name} is left out: {missing}" for name, missing in named.items() if missing]


def check_data(layout: Layout, source: Path | None) -> None:
    """Refuse a dataset that is not there and cannot be made, and one whose bytes are not what its manifest says."""
    dataset = layout.campaign.dataset
    if source is not None and not source.exists():
        raise UserError(f"there is no --source {source}; give the folder or archive that holds {dataset.id}")
    if Path(layout.manifest).is_file():
        found = read_info(Path(dataset.folder)).id
        if found != dataset.id and not found.startswith(f"{dataset.id}_"):  # a re-pack's is longer: camvid_kaggle
            raise UserError(
                f"{dataset.folder} holds the dataset {found}, not {dataset.id}; correct dataset.id or dataset.folder"
            )
        check_unchanged(Path(dataset.folder))
    elif dataset.streets is None and find_published(dataset.id) is None:
        raise UserError(
            f"{dataset.folder} is no prepared dataset and '{dataset.id}' is none that can be fetched; "
            f"prepare the folder first, or choose one of {', '.join(published_table())}"
        )


def made_otherwise(layout: Layout) -> bool:
    """Whether the streets that are there are not those of the configuration.

    Snakemake sees that of its own jobs alone, not of a folder that was copied here or belongs to other checkouts too.
    """
    streets = layout.campaign.dataset.streets
    if streets is None or not Path(layout.manifest).is_file():
        return False
    return read_info(Path(layout.data)).source != streets.command


def check_folders(layout: Layout) -> None:
    """Refuse result folders that cannot be written: a file in their place, or no permission.

    A prepared dataset is read alone, and may be a group's that only its keeper can change.
    """
    made = [layout.data] if not Path(layout.manifest).is_file() or made_otherwise(layout) else []
    for folder in (layout.runs, layout.report, layout.logs, *made):
        path = Path(folder)
        while not path.exists():
            path = path.parent
        if not path.is_dir():
            raise UserError(f"{path} is a file, and results go to the folder {folder}; move the file away")
        if not os.access(path, os.W_OK | os.X_OK):
            raise UserError(f"cannot write to {path}, where results go to {folder}; change its permissions")


def _check_engines(campaign: Campaign) -> None:
    for name in campaign.latency.all_engines:
        if name not in engine_table():
            raise UserError(f"unknown engine '{name}' in latency.engines; choose one of {', '.join(engine_table())}")
    for variant in campaign.variants:
        engines = campaign.latency.engines_of(variant)
        if not engines:
            raise UserError(f"latency.engines has no entry for {variant} and no 'default'; add one of them")
        for name in engines:
            if engine_table()[name].ours_alone and variant in rival_table():
                raise UserError(f"latency.engines times {variant} by {name}, which runs HyperSeg alone; take it out")
    for precision in campaign.latency.precisions:
        if precision not in get_args(Precision):
            known = ", ".join(get_args(Precision))
            raise UserError(f"unknown precision '{precision}' in latency.precisions; choose one of {known}")


def _check_backbone(recipe: Recipe) -> None:
    """timm's registry is not asked, since it loads torch: a model is a function of that name in one of its files."""
    spec = find_spec("timm")
    if recipe.backbone is None or spec is None or spec.origin is None:
        return
    function = re.compile(rf"^def {re.escape(recipe.backbone.partition('.')[0])}\(", re.MULTILINE)
    files = (Path(spec.origin).parent / "models").glob("*.py")
    if not any(function.search(file.read_text(encoding="utf-8")) for file in files):
        raise UserError(
            f"unknown backbone '{recipe.backbone}' in training.backbone; give a timm model such as tf_efficientnet_b1"
        )


def _check_sizes(campaign: Campaign, variant: str, recipe: Recipe) -> None:
    input_hw = campaign.evaluation.input_hw
    for named in input_hw if isinstance(input_hw, dict) else ():
        if named not in campaign.variants:
            raise UserError(f"evaluation.input_hw names '{named}', which is none of this campaign's variants")
    sizes = {
        "training.crop_hw": recipe.crop_hw,
        "evaluation.input_hw": campaign.evaluation.input_of(variant),
        "latency.input_hw": campaign.latency.input_hw,
    }
    for key, size in sizes.items():
        if size is not None and not get_network(variant).fits(*size):
            unit = get_network(variant).unit
            raise UserError(
                f"{key} is {size[0]} x {size[1]} (height x width), which does not fit {variant}: "
                f"it needs multiples of {unit}, and more than {unit} x {unit}"
            )


def _check_splits(campaign: Campaign, recipes: dict[str, Recipe]) -> None:
    known = _splits(campaign)
    if known is None:
        return
    asked = {"evaluation.split": campaign.evaluation.split}
    settings = campaign.training.model_dump()
    for recipe in recipes.values():
        fitted, _ = for_dataset(recipe, settings, campaign.dataset.id, known)
        asked["training.train_split"] = fitted.train_split
        if fitted.scored_split:
            asked["training.selection_split"] = fitted.scored_split
        for key, split in asked.items():
            for part in split.split("+"):
                if part not in known:
                    raise UserError(
                        f"{key} is '{split}', and {campaign.dataset.folder} has no labels of a split '{part}'; "
                        f"those it has are {', '.join(known)}"
                    )


def _splits(campaign: Campaign) -> list[str] | None:
    """The splits of the dataset that have labels; None where they are not known before it is prepared."""
    if campaign.dataset.streets:
        return ["train", "val", "test"]
    folder = Path(campaign.dataset.folder)
    if not (folder / "manifest.json").is_file():
        return None
    dataset = open_dataset(folder)
    return [split for split in dataset.splits if split not in dataset.info.unlabelled]
