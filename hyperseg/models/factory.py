"""Build a network, with or without weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from hyperseg.errors import UserError
from hyperseg.models.checkpoints import load_released
from hyperseg.models.network import HyperSeg
from hyperseg.models.variants import Slices, get_variant


def create_model(
    variant: str,
    weights: str | Path | None = None,
    pretrained_backbone: bool = False,
    num_classes: int | None = None,
    *,
    backbone: str | None = None,
    slices: Slices | None = None,
    stochastic_depth: float = 0.2,
    dropout: float | None = None,
) -> HyperSeg:
    published = get_variant(variant)
    if num_classes is not None and num_classes < 1:
        raise UserError(f"num_classes must be at least 1, not {num_classes}")
    model = HyperSeg(
        published,
        num_classes or published.num_classes,
        backbone or published.backbone,
        slices or "released",
        stochastic_depth,
        published.backbone_dropout if dropout is None else dropout,
    )
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_normal_(module.weight)
    if weights is not None:
        load_released(model, weights)
    return model


def import_checkpoint(source: str | Path | Mapping[str, Any], variant: str, **options: Any) -> HyperSeg:
    model = create_model(variant, **options)
    load_released(model, source)
    return model
