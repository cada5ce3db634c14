"""Fine-tuning: a training that starts from the weights of another network of the same variant."""

from pathlib import Path

import torch

from hyperseg.errors import UserError
from hyperseg.models import HyperSeg, create_model, read_weights_info
from hyperseg.models.layout import GeneratorShape
from hyperseg.rivals.network import RivalNetwork

HEAD = "decoder."  # what may depend on the number of classes


def start_from(model: HyperSeg | RivalNetwork, weights: Path, renew_head: bool) -> list[str]:
    """Put the tensors of a weights file, one's own or a released checkpoint, into `model`.

    Where the number of classes differs, so do some tensors of the decoder: they keep the values `model` has, their
    names are returned. Raises :class:`UserError` naming them unless `renew_head`, and for anything else that differs.
    """
    if isinstance(model, RivalNetwork):
        raise UserError(f"--init starts HyperSeg networks, not {model.variant.id}; leave it out")
    source = _source(model, weights)
    for what in ("backbone_name", "slices"):
        ours, theirs = getattr(model, what), getattr(source, what)
        if ours != theirs:
            key = what.removesuffix("_name")
            raise UserError(f"--init {weights} has {key} {theirs}, not {ours}; set training.{key} to {theirs}")
    state, tensors = model.state_dict(), source.state_dict()
    moved = {
        f"decoder.generators.{i}.weight"
        for i, (ours, theirs) in enumerate(zip(_slices(model), _slices(source), strict=True))
        if ours != theirs
    }
    unfit = [name for name, tensor in state.items() if tensors[name].shape != tensor.shape or name in moved]
    wrong = [name for name in unfit if not name.startswith(HEAD)]
    if wrong:
        raise UserError(f"--init {weights} does not fit outside the head: {', '.join(wrong)}; choose other weights")
    if unfit and not renew_head:
        raise UserError(
            f"--init {weights} has {source.num_classes} classes, the training {model.num_classes}; the head's "
            f"{', '.join(unfit)} do not fit; add --renew-head to make them anew"
        )
    model.load_state_dict({name: state[name] if name in unfit else tensors[name] for name in state})
    model.backbone_weights = source.backbone_weights
    return unfit


def _slices(model: HyperSeg) -> list[tuple[int, int]]:
    """The signal channels that each weight generator reads: another number of classes may move them."""
    shapes: list[GeneratorShape] = [generator.shape for generator in model.decoder.generators]  # type: ignore[misc]
    return [(shape.begin, shape.end) for shape in shapes]


def _source(model: HyperSeg, weights: Path) -> HyperSeg:
    """The network of the file, made without drawing a random number that the training would miss."""
    variant = model.variant.id
    if weights.suffix == ".safetensors":
        info = read_weights_info(weights)
        if info.variant != variant:
            raise UserError(f"--init {weights} is of variant {info.variant}; train that one, or choose other weights")
    with torch.random.fork_rng(devices=[]):
        return create_model(variant, weights=weights)
