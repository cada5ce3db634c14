"""Shared by the commands of single steps: reading the configuration and KEY=VALUE options, choosing the device."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hyperseg.errors import UserError, reason_of
from hyperseg.machine_lock import MachineLock
from hyperseg.processors import SHARED_GPUS
from hyperseg.yaml_file import parse_yaml

if TYPE_CHECKING:
    import torch

    from hyperseg.networks import NetworkEntry
    from hyperseg.pipeline.campaign import Campaign

MAX_SIDE = 16384  # pixels of an input: a typing error must not take all memory
_held: list[MachineLock] = []  # until the process ends
NO_CAMPAIGN = "none"  # the name in records of steps that were run without a configuration


def read_campaign(path: Path | None) -> "Campaign | None":
    """The checked configuration; None without one, for the released settings."""
    from hyperseg.pipeline.campaign import load_campaign

    return load_campaign(path) if path else None


def key_values(changes: tuple[str, ...]) -> dict[str, Any]:
    """``("epochs=3", "crop_hw=[320, 448]")`` as a mapping; values are YAML."""
    parsed: dict[str, Any] = {}
    for change in changes:
        key, separator, value = change.partition("=")
        if not separator:
            raise UserError(f"--set {change} is not KEY=VALUE, for example --set epochs=3")
        key = key.strip()
        if not key:
            raise UserError(f"--set {change} has an empty key; name it, for example --set epochs=3")
        if key in parsed:
            first = next(one for one in changes if one.partition("=")[0].strip() == key)
            raise UserError(f"--set {first} and --set {change} contradict each other; leave one of them out")
        parsed[key] = parse_yaml(value, f"the value of --set {change}")
    return parsed


def parse_hw(text: str) -> tuple[int, int]:
    """``384x512`` as (height, width)."""
    height, _, width = text.lower().partition("x")
    digits = height.isdecimal() and width.isdecimal() and max(len(height), len(width)) < 10
    if not (digits and 1 <= int(height) <= MAX_SIDE and 1 <= int(width) <= MAX_SIDE):
        raise UserError(
            f"'{text:.40}' is not an input size; give HEIGHTxWIDTH in pixels, each from 1 to {MAX_SIDE}, for example "
            "384x512"
        )
    return int(height), int(width)


def evaluation_input(given: str | None, campaign: "Campaign | None", network: "NetworkEntry") -> tuple[int, int]:
    """The network's input (height, width) for a score: as given, else the campaign's, else the network's own."""
    if given is not None:
        return parse_hw(given)
    return (campaign.evaluation.input_of(network.id) if campaign else None) or network.eval_hw


def check_record_file(out: Path) -> None:
    """Raise :class:`UserError` where a record cannot be written to `out`, or would replace what is no record.

    The name ends in ``.json``: raw values go beside it under the same name with another ending.
    """
    try:
        if out.suffix != ".json":
            raise UserError(f"--out {out} does not end in .json; name the record to write, for example {out.stem}.json")
        if out.is_dir():
            raise UserError(f"--out {out} is a folder; name the record to write, for example {out / 'record.json'}")
        if out.exists() and "schema_version" not in _json_object(out):
            raise UserError(f"--out {out} is there and is no record of this package; choose another name")
        folder = next(parent for parent in out.absolute().parents if parent.exists())
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            raise UserError(f"--out {out} cannot be written below {folder}; choose another place")
    except OSError as error:
        raise UserError(f"--out {out} cannot be written: {reason_of(error)}; choose another place") from error


def _json_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def choose_device(name: str) -> "torch.device":
    """The torch device for 'auto', 'cpu' or 'cuda'; a :class:`UserError` where there is no GPU."""
    if name != "cpu":
        claim_gpu()
    import torch

    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda was asked for, but torch sees no CUDA GPU here; use --device cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def claim_gpu() -> None:
    """In a run that shares several GPUs among its jobs: make a free GPU this process's only one, until it ends.

    Call it before torch looks for GPUs. Raises :class:`UserError` where other jobs hold all of them.
    """
    shared = list(filter(None, os.environ.get(SHARED_GPUS, "").split(",")))
    for gpu in shared:
        lock = MachineLock(f"job-on-gpu-{gpu}")
        if lock.acquire():
            _held.append(lock)
            os.environ["CUDA_VISIBLE_DEVICES"] = gpu
            return
    if shared:
        raise UserError(f"other jobs use all of the GPUs {', '.join(shared)}; wait for one of them to end")
