"""Released-format checkpoints, in both directions."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hyperseg.errors import UserError, first_ten
from hyperseg.files import write_bytes_atomic
from hyperseg.models.checkpoint_file import read_checkpoint
from hyperseg.models.decoder import coordinates
from hyperseg.models.names import released_names
from hyperseg.models.network import HyperSeg
from hyperseg.models.released_arch import arch_text

_HOLDERS = ("state_dict", "model_state_dict", "model")  # under which training scripts keep the tensors
_PREFIXES = ("module.", "_orig_mod.", "model.")  # of DataParallel, torch.compile and Lightning


def read_state(source: str | Path | Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of a checkpoint, a ``.pth`` file or its dictionary, by their names without prefixes.

    Cached coordinate grids are left out. Raises :class:`UserError` where the file cannot be read or holds no tensors.
    """
    content = source if isinstance(source, Mapping) else read_checkpoint(Path(source))
    state = next((content[key] for key in _HOLDERS if isinstance(content.get(key), Mapping)), content)
    if not state or not all(isinstance(v, Tensor) for v in state.values()):
        raise UserError(f"{_where(source)} holds no state_dict of tensors; give a checkpoint in the released format")
    named = {_without_prefixes(str(key)): value for key, value in state.items()}
    return {key: value for key, value in named.items() if not key.startswith("decoder.coord")}


def load_released(model: HyperSeg, source: str | Path | Mapping[str, Any], state: Mapping[str, Tensor]) -> None:
    """Load the tensors of :func:`read_state`, by released names or this package's own, into the model.

    Raises :class:`UserError`, the tensors named, where one is missing, left over, of another shape or no finite number.
    """
    names = released_names(model)
    if "backbone.conv_stem.weight" in state:  # this package's own state dict
        names = {name: name for name in names}
    expected = {names[name]: tensor for name, tensor in model.state_dict().items()}
    check_tensors(_where(source), model.variant.id, expected, state)
    model.load_state_dict({name: state[theirs] for name, theirs in names.items()})


def class_count(model: HyperSeg, state: Mapping[str, Tensor]) -> int:
    """The number of classes of the network whose tensors are in ``state``: like ``model`` but for its classes.

    ``model``'s where the tensors do not say.
    """
    last = [name for name in model.state_dict() if name.startswith("decoder.levels.") and name.endswith(".weight")][-1]
    found = next((state[key] for key in (released_names(model)[last], last) if key in state), None)
    return model.num_classes if found is None or found.ndim != 1 else len(found)


def export_checkpoint(
    model: HyperSeg, path: str | Path | None = None, *, coordinate_grids: bool = True
) -> dict[str, Any]:
    """The model as a checkpoint in the released format, written to ``path`` as well where one is given.

    Returns ``{"state_dict": {released key: tensor}, "epoch": 0, "arch": text}``; tensors are copies on the CPU. By
    ``arch`` the authors' scripts build the network, and their strict loader wants the coordinate grids that it caches
    for a few input sizes; leave them out with ``coordinate_grids=False``.
    Raises :class:`UserError` for a network that is not a :class:`HyperSeg`.
    """
    if not isinstance(model, HyperSeg):
        raise UserError(f"only a network of hyperseg.create_model can be exported, not a {type(model).__name__}")
    names = released_names(model)
    state = {names[name]: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}
    if coordinate_grids:
        for height, width in model.variant.grid_hw:
            for step in range(len(model.decoder.levels)):
                h, w = height >> step, width >> step
                state[f"decoder.coord{h}_{w}"] = coordinates(torch.empty(1, 1, h, w)).clone()
    arch = arch_text(model.variant, model.num_classes, model.backbone_name, model.slices)
    checkpoint = {"state_dict": state, "epoch": 0, "arch": arch}
    if path is not None:
        content = io.BytesIO()
        torch.save(checkpoint, content)
        write_bytes_atomic(Path(path), content.getvalue())
    return checkpoint


def check_tensors(where: str, network: str, expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    """Raise :class:`UserError` naming tensors that are missing, left over, of another shape or kind, or not finite."""
    wrong = [f"missing {first_ten(k for k in expected if k not in found)}" if set(expected) - set(found) else ""]
    wrong += [f"unexpected {first_ten(k for k in found if k not in expected)}" if set(found) - set(expected) else ""]
    misshapen = [
        f"{key} {tuple(found[key].shape)} instead of {tuple(tensor.shape)}"
        for key, tensor in expected.items()
        if key in found and found[key].shape != tensor.shape
    ]
    wrong += [f"misshapen {first_ten(misshapen)}" if misshapen else ""]
    if any(wrong):
        raise UserError(
            f"{where} does not fit {network}: {', '.join(filter(None, wrong))}; check the variant, backbone and classes"
        )
    kinds = [
        f"{key} ({str(found[key].dtype).removeprefix('torch.')})"
        for key, tensor in expected.items()
        if (found[key].is_floating_point(), found[key].layout, found[key].is_meta)
        != (tensor.is_floating_point(), tensor.layout, tensor.is_meta)
    ]
    if kinds:
        raise UserError(
            f"{where} holds tensors of another kind than {network}'s: {first_ten(kinds)}; "
            "use dense ones in floating point"
        )
    broken = [key for key in expected if not bool(torch.isfinite(found[key]).all())]
    if broken:
        raise UserError(f"{where} holds NaN or infinity in {first_ten(broken)}; use other weights or train them again")


def _without_prefixes(key: str) -> str:
    while key.startswith(_PREFIXES):
        key = key.partition(".")[2]
    return key


def _where(source: str | Path | Mapping[str, Any]) -> str:
    return "the given checkpoint" if isinstance(source, Mapping) else f"'{source}'"
