"""Build a network, with or without weights."""

from collections.abc import Mapping
from functools import partial
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from torch import nn

from hyperseg.errors import UserError
from hyperseg.models.checkpoints import class_count, load_released, read_state
from hyperseg.models.network import HyperSeg
from hyperseg.models.pretrained import load_pretrained
from hyperseg.models.variants import MAX_CLASSES, Slices, get_variant
from hyperseg.models.weights import load_weights, read_weights_info


def create_model(
    variant: str,
    weights: str | Path | Mapping[str, Any] | None = None,
    pretrained_backbone: bool = False,
    num_classes: int | None = None,
    *,
    backbone: str | None = None,
    slices: Slices | None = None,
    stochastic_depth: float = 0.2,
    dropout: float | None = None,
) -> HyperSeg:
    """A network of one of the five variants or of an ablation, in training mode.

    ``weights``: a file of :func:`hyperseg.models.save_weights` (``.safetensors``, whose header supplies what is not
    given of ``num_classes``, ``backbone`` and ``slices``) or a checkpoint in the released format (``.pth``, or its
    dictionary), whose tensors supply ``num_classes``; it holds the backbone too, so ``pretrained_backbone`` is then not
    looked at. Without weights, every convolution starts from Xavier-normal values; with ``pretrained_backbone`` the
    backbone starts from ImageNet weights (see :func:`hyperseg.models.pretrained.load_pretrained`) and the rest from
    PyTorch's defaults, as published.

    ``num_classes``, ``backbone`` (a timm EfficientNet) and ``dropout`` (on the backbone's last map) default to the
    variant's. ``slices`` is the reading of the signal: ``released``, the default but of some ablations, agrees with
    the released weights; ``described`` is the paper's text. ``stochastic_depth`` is the drop rate of the backbone's
    last block.

    Raises :class:`UserError` for an unknown name, weights that do not fit, and ImageNet weights that cannot be had.
    """
    published = get_variant(variant)
    if weights is not None and not isinstance(weights, str | Path | Mapping):
        raise UserError(f"weights is a {type(weights).__name__}; give a file's path, or a checkpoint's dictionary")
    file = Path(weights) if isinstance(weights, str | Path) else None
    own_file = file if file and file.suffix.lower() == ".safetensors" else None
    if own_file:
        info = read_weights_info(own_file)
        if info.variant != variant:
            raise UserError(f"weights file '{weights}' is for variant {info.variant}, not {variant}; name that variant")
        num_classes = info.num_classes if num_classes is None else num_classes
        backbone = info.backbone if backbone is None else backbone
        slices = info.slices if slices is None else slices
    if num_classes is not None and not (isinstance(num_classes, Integral) and 1 <= num_classes <= MAX_CLASSES):
        raise UserError(f"num_classes is {num_classes!r}; give 1 to {MAX_CLASSES}, since a label is one byte")
    for name, rate in (("stochastic_depth", stochastic_depth), ("dropout", dropout)):
        if rate is not None and not (isinstance(rate, Real) and 0 <= rate < 1):
            raise UserError(f"{name} is {rate!r}; give a number from 0 to below 1")
    if slices not in (None, "released", "described"):
        raise UserError(f"slices is '{slices}'; choose released or described")
    build = partial(
        HyperSeg,
        published,
        backbone=published.backbone if backbone is None else backbone,
        slices=published.slices if slices is None else slices,
        stochastic_depth=stochastic_depth,
        dropout=published.backbone_dropout if dropout is None else dropout,
    )
    model = build(num_classes=published.num_classes if num_classes is None else int(num_classes))
    if own_file:
        load_weights(model, own_file)
    elif weights is not None:
        state = read_state(weights)
        classes = class_count(model, state)
        if num_classes is None and classes != model.num_classes and 1 <= classes <= MAX_CLASSES:
            model = build(num_classes=classes)
        load_released(model, weights, state)
    elif pretrained_backbone:
        model.backbone_weights = load_pretrained(model.backbone)
    else:
        model.apply(_xavier)
    return model


def import_checkpoint(
    source: str | Path | Mapping[str, Any],
    variant: str,
    *,
    num_classes: int | None = None,
    backbone: str | None = None,
    slices: Slices | None = None,
    stochastic_depth: float = 0.2,
    dropout: float | None = None,
) -> HyperSeg:
    """A network with the tensors of a released-format checkpoint, a ``.pth`` file or its dictionary.

    The dictionary may be the whole checkpoint or its ``state_dict``. Options as for :func:`create_model`; raises
    :class:`UserError` with the tensors' names where they do not fit.
    """
    return create_model(
        variant,
        source,
        num_classes=num_classes,
        backbone=backbone,
        slices=slices,
        stochastic_depth=stochastic_depth,
        dropout=dropout,
    )


def _xavier(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.xavier_normal_(module.weight)
