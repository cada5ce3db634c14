"""Released-format checkpoints, in both directions."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hyperseg.errors import UserError
from hyperseg.models.decoder import coordinates
from hyperseg.models.names import released_names
from hyperseg.models.network import HyperSeg


def load_released(model: HyperSeg, source: str | Path | Mapping[str, Any]) -> None:
    """Load a released-format checkpoint, a ``.pth`` file or its dictionary, into the model.

    Keys may carry a ``module.`` prefix; cached coordinate grids are left out. Raises :class:`UserError`, the tensors
    named, where one is missing, left over or of another shape, and where the file needs code to be unpickled.
    """
    where = "the given checkpoint" if isinstance(source, Mapping) else f"'{source}'"
    content = source if isinstance(source, Mapping) else read_checkpoint(Path(source))
    state = content.get("state_dict", content)
    if not isinstance(state, Mapping) or not state or not all(isinstance(v, Tensor) for v in state.values()):
        raise UserError(f"{where} holds no state_dict of tensors; give a checkpoint in the released format")
    state = {key.removeprefix("module."): value for key, value in state.items()}
    state = {key: value for key, value in state.items() if not key.startswith("decoder.coord")}
    ours = {theirs: name for name, theirs in released_names(model).items()}
    expected = dict(zip(ours, model.state_dict().values(), strict=True))
    check_tensors(where, model.variant.id, expected, state)
    model.load_state_dict({ours[key]: value for key, value in state.items()})


def export_checkpoint(
    model: HyperSeg, path: str | Path | None = None, *, coordinate_grids: bool = False
) -> dict[str, Any]:
    """The model as a checkpoint in the released format, written to ``path`` as well where one is given.

    Returns ``{"state_dict": {released key: tensor}, "epoch": 0, "arch": variant id}``; tensors are copies on the CPU.
    The authors' strict loader also wants the coordinate grids that its network caches for a few input sizes:
    ``coordinate_grids`` adds them.
    """
    names = released_names(model)
    state = {names[name]: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}
    if coordinate_grids:
        for height, width in model.variant.grid_hw:
            for step in range(len(model.decoder.levels)):
                h, w = height >> step, width >> step
                state[f"decoder.coord{h}_{w}"] = coordinates(torch.empty(1, 1, h, w))
    checkpoint = {"state_dict": state, "epoch": 0, "arch": model.variant.id}
    if path is not None:
        target = Path(path)
        partial = target.with_name(target.name + ".partial")
        torch.save(checkpoint, partial)
        partial.replace(target)
    return checkpoint


def check_tensors(where: str, network: str, expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    """Raise :class:`UserError` naming every tensor that is missing, left over or of another shape."""
    wrong = [f"missing {_listed(k for k in expected if k not in found)}" if set(expected) - set(found) else ""]
    wrong += [f"unexpected {_listed(k for k in found if k not in expected)}" if set(found) - set(expected) else ""]
    misshapen = [
        f"{key} {tuple(found[key].shape)} instead of {tuple(tensor.shape)}"
        for key, tensor in expected.items()
        if key in found and found[key].shape != tensor.shape
    ]
    wrong += [f"misshapen {_listed(misshapen)}" if misshapen else ""]
    if any(wrong):
        raise UserError(
            f"{where} does not fit {network}: {', '.join(filter(None, wrong))}; check the variant, backbone and classes"
        )


def _listed(names: Any, limit: int = 8) -> str:
    """The first names and how many more."""
    names = list(names)
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def read_checkpoint(path: Path) -> Mapping[str, Any]:
    """A checkpoint file, read without running any code it may carry."""
    if not path.is_file():
        raise UserError(f"weights file '{path}' does not exist; check the path")
    try:
        with torch.serialization.safe_globals(_scalar_names()):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(f"'{path}' was not loaded: {_unsafe(path)}; use a checkpoint of plain tensors") from error
    except (RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        raise UserError(f"'{path}' is not a readable checkpoint file; download or export it again") from error
    if not isinstance(content, Mapping):
        raise UserError(f"'{path}' holds a {type(content).__name__}, not a checkpoint dictionary; check the file")
    return content


def _scalar_names() -> list[Any]:
    """What rebuilds a NumPy number, and runs nothing else: training scripts store their best score as one."""
    rebuild = np.float64(0).__reduce__()[0]
    scalars = [(rebuild, f"{module}.multiarray.scalar") for module in ("numpy.core", "numpy._core")]
    return [*scalars, np.dtype, np.dtypes.Float64DType, np.dtypes.Float32DType]


def _unsafe(path: Path) -> str:
    """Why a file could not be unpickled safely."""
    try:
        with torch.serialization.safe_globals(_scalar_names()):
            names = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except Exception:  # not a zip archive, or not a pickle inside
        names = []
    if not names:
        return "it is not a checkpoint of the released format"
    return f"it needs code to be unpickled ({_listed(names)}), which may do harm"
