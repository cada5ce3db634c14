"""This package's weights files: safetensors whose header says which network they belong to."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save

from hyperseg.errors import UserError
from hyperseg.files import write_bytes_atomic
from hyperseg.models.checkpoint_file import check_file
from hyperseg.models.checkpoints import check_tensors
from hyperseg.models.network import BackboneWeights
from hyperseg.models.variants import MAX_CLASSES, Slices
from hyperseg.strict import first_problem

# One header entry, because the order of several is random and would change the file's hash from run to run.
HEADER = "hyperseg"


@dataclass(frozen=True)
class WeightsInfo:
    """The network a weights file belongs to."""

    variant: str
    num_classes: Annotated[int, Field(ge=1, le=MAX_CLASSES)]
    backbone: str
    slices: Slices | None  # null: a rival, which has none
    backbone_weights: BackboneWeights | None


def save_weights(model: Any, path: str | Path) -> None:
    """Write the tensors of a network of the suite and what network it is; the same tensors give the same bytes.

    The file appears whole or not at all, mode 0644. Raises :class:`UserError` for a network inside another module, as
    `torch.compile` and `DataParallel` give, whose names of tensors are no longer the network's.
    """
    if "backbone_name" not in vars(model):
        raise UserError(f"a {type(model).__name__} has no weights file; save the network of create_model inside")
    info = WeightsInfo(model.variant.id, model.num_classes, model.backbone_name, model.slices, model.backbone_weights)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    write_bytes_atomic(Path(path), save(tensors, {HEADER: json.dumps(asdict(info), sort_keys=True)}))


def load_weights(model: Any, path: str | Path) -> WeightsInfo:
    """Load a file of :func:`save_weights` into a network of the same id, classes, backbone and slices.

    Raises :class:`UserError` naming what differs: another network, or tensors that are missing, left over or misshapen.
    """
    info = read_weights_info(path)
    ours = (model.variant.id, model.num_classes, model.backbone_name, model.slices)
    theirs = (info.variant, info.num_classes, info.backbone, info.slices)
    if theirs != ours:
        pairs = zip(("variant", "num_classes", "backbone", "slices"), theirs, ours, strict=True)
        differing = ", ".join(f"{what} {a}, not {b}" for what, a, b in pairs if a != b)
        raise UserError(f"weights file '{path}' is for another network ({differing}); create the network it names")
    tensors = load_file(path)
    check_tensors(f"weights file '{path}'", info.variant, model.state_dict(), tensors)
    model.load_state_dict(tensors)
    model.backbone_weights = info.backbone_weights
    return info


def read_weights_info(path: str | Path) -> WeightsInfo:
    """What network a weights file belongs to, from its header; :class:`UserError` where it was not written here."""
    check_file(Path(path))
    try:
        with safe_open(path, "pt") as file:
            header: Mapping[str, str] = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise UserError(f"'{path}' is not a readable safetensors file; copy or train it again") from error
    try:
        return TypeAdapter(WeightsInfo).validate_json(header[HEADER])
    except (KeyError, ValidationError) as error:
        what = ""
        if isinstance(error, ValidationError):
            key, message = first_problem(error)
            what = f" (its header does not fit{f' at {key}' if key else ''}: {message.partition(';')[0]})"
        raise UserError(
            f"'{path}' does not say which network it belongs to{what}; use a file written by hyperseg"
        ) from error
