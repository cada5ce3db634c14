"""Reading an untrusted ``.pth`` file: no code runs, memory is bounded, and an unfit file is explained."""

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hyperseg.errors import UserError, first_ten, reason_of

MAX_BYTES = 2 * 2**30  # unpacked; the largest network takes 160 MB, with its optimizer's state 480 MB


def read_checkpoint(path: Path) -> Mapping[str, Any]:
    """A checkpoint's dictionary, on the CPU, read without running any code that the file may carry.

    Raises :class:`UserError` for a file that is missing, too large, damaged, unsafe, or something else.
    """
    check_file(path)
    try:
        with torch.serialization.safe_globals(_scalar_names()):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(f"'{path}' was not loaded: {_unsafe(path)}; use a checkpoint of plain tensors") from error
    except Exception as error:  # a damaged file can raise any error
        raise UserError(f"'{path}' is not a readable checkpoint file; download or export it again") from error
    if not isinstance(content, Mapping):
        raise UserError(f"'{path}' holds a {type(content).__name__}, not a checkpoint dictionary; check the file")
    return content


def check_file(path: Path) -> None:
    """Raise :class:`UserError` if the file is missing, holds no weights, or would fill the memory."""
    if path.is_dir():
        raise UserError(f"'{path}' is a folder, not a weights file; name the file in it")
    if not path.is_file():
        raise UserError(f"weights file '{path}' does not exist; check the path")
    try:
        with path.open("rb") as file:
            start = file.read(512).lstrip().lower()
        size = max(path.stat().st_size, _unpacked(path))
    except OSError as error:
        raise UserError(f"weights file '{path}' cannot be read: {reason_of(error)}; check it and its folder") from error
    if not start:
        raise UserError(f"weights file '{path}' is not a readable one: it is empty; download or copy it again")
    if start.startswith(b"version https://git-lfs"):
        raise UserError(
            f"'{path}' is a Git LFS pointer, not a readable weights file; run `git lfs pull` in its repository"
        )
    if start.startswith(b"{") and b'"schema_version"' in start:
        beside = path.with_name("weights.safetensors")
        meant = beside if beside.is_file() else "the weights.safetensors of its training"
        raise UserError(f"'{path}' is a record, which holds no weights; name {meant}")
    if start.startswith((b"<!doctype html", b"<html", b"<?xml")):
        raise UserError(f"'{path}' is a web page, not a readable weights file; download the file itself")
    if size > MAX_BYTES:
        raise UserError(
            f"'{path}' would take {size / 2**30:.1f} GiB of memory, and no network here takes {MAX_BYTES // 2**30}; "
            "use the checkpoint of a HyperSeg network"
        )


def _unpacked(path: Path) -> int:
    """Bytes of all members of a zip archive, as PyTorch's files are; 0 for another file."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, ValueError):
        return 0


def _scalar_names() -> list[Any]:
    """The names that rebuild a NumPy scalar and run nothing else: training scripts store their best score as one."""
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
    return f"it needs code to be unpickled ({first_ten(names)}), which may do harm"
