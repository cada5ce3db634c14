"""Going on with an interrupted training: the same weights come out as without the interruption.

A checkpoint is one file: a line that names the format, the sha256 of all that follows, one line of JSON (what is being
trained, with what, and how far), then the tensors as ``torch.save`` writes them. The file before the last is kept too.
"""

import hashlib
import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from hyperseg.errors import UserError, reason_of
from hyperseg.files import write_bytes_atomic
from hyperseg.training.state import TrainingState

FORMAT = b"hyperseg training checkpoint 2\n"
SHARE_OF_TIME = 0.02  # what writing may cost: a slow disk gets fewer checkpoints

Say = Callable[[str], None]


class DamagedCheckpoint(Exception):
    """A checkpoint file that is damaged or not a checkpoint; the message says how."""


@dataclass(frozen=True)
class Checkpoint:
    """Where a training keeps its state, and what it is of.

    `settings` is what is trained (variant, recipe, seed, data): a file of others is left alone, and named. The numbers
    also depend on `environment` (packages, threads, processor); where that changed the training goes on, and says so.
    """

    folder: Path
    settings: dict[str, Any]
    environment: dict[str, Any]
    every_s: float
    every_steps: int | None = None
    say: Say = print

    @property
    def key(self) -> str:
        return hashlib.sha256(json.dumps(self.settings, sort_keys=True).encode()).hexdigest()

    @property
    def files(self) -> tuple[Path, Path]:
        """The last state and the one before it."""
        stem = f".checkpoint-{self.key[:12]}"
        return self.folder / f"{stem}.pt", self.folder / f"{stem}.before.pt"

    def read(self) -> "Saved | None":
        """The last state that is whole, or None where there is none; damaged files and those of others are named."""
        last, before = self.files
        for path in self.folder.glob(f"{last.name}.*"):
            path.unlink(missing_ok=True)  # a part that a killed process left; the folder's lock is ours
        self._name_others()
        for path, otherwise in ((last, f"{before.name} is tried"), (before, "the training starts at its first step")):
            if not path.exists():
                continue
            try:
                header, payload = read_file(path)
                if header["key"] != self.key:
                    raise DamagedCheckpoint("it is of another training")
                content = _tensors(payload)
                state = TrainingState.from_plain(content["state"])
            except DamagedCheckpoint as damage:
                self.say(f"checkpoint {path} cannot be used ({damage}); {otherwise}")
                continue
            changed = changes(header["environment"], self.environment)
            if changed:
                self.say(
                    "the checkpoint was made with another environment, so the last digits of the weights may differ "
                    f"from an uninterrupted training's: {'; '.join(changed)}"
                )
            state.resumed.append({"step": state.step, "changed": changed})
            return Saved(state, content)
        return None

    def save(self, state: TrainingState, tensors: dict[str, Any]) -> None:
        """Write the state; on a full disk the training goes on without, and says so."""
        last, before = self.files
        buffer = io.BytesIO()
        torch.save({"state": state.plain(), **tensors}, buffer)
        header = {"key": self.key, "step": state.step, "settings": self.settings, "environment": self.environment}
        body = json.dumps(header, sort_keys=True).encode() + b"\n" + buffer.getvalue()
        digest = hashlib.sha256(body).hexdigest().encode()
        try:
            if last.exists():
                last.replace(before)
            write_bytes_atomic(last, FORMAT + digest + b"\n" + body)
        except (OSError, UserError) as error:
            self.say(f"no checkpoint was written at step {state.step}: {error}; the training goes on")

    def remove(self) -> None:
        """The training is done."""
        for path in self.files:
            path.unlink(missing_ok=True)

    def _name_others(self) -> None:
        for path in sorted(self.folder.glob(".checkpoint*.pt")):
            if path in self.files or path.name.endswith(".before.pt"):
                continue
            try:
                header, _ = read_file(path)
                differing = changes(header["settings"], self.settings)
                other = f"another training, stopped at step {header['step']} ({'; '.join(differing)})"
            except DamagedCheckpoint:
                other = "an unknown kind"
            self.say(f"{self.folder} also holds {path.name}, a checkpoint of {other}; delete it if it is not needed")


@dataclass(frozen=True)
class Saved:
    """A state that was read, not yet put into a model."""

    state: TrainingState
    tensors: dict[str, Any]

    def restore(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler, device: torch.device
    ) -> None:
        """Put the tensors into model, optimizer, loss scaler and random generators."""
        model.load_state_dict(self.tensors["model"])
        optimizer.load_state_dict(self.tensors["optimizer"])
        for group in optimizer.param_groups:  # older checkpoints hold another value
            group["capturable"] = device.type == "cuda"
        scaler.load_state_dict(self.tensors["scaler"])
        torch.set_rng_state(self.tensors["rng"])
        if device.type == "cuda":
            torch.cuda.set_rng_state(self.tensors["cuda_rng"], device)


def tensors(
    model: nn.Module, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler, device: torch.device
) -> dict[str, Any]:
    """What a checkpoint holds of model, optimizer, loss scaler and random generators."""
    return {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scaler": scaler.state_dict(),
        "rng": torch.get_rng_state(),
        "cuda_rng": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
    }


class CheckpointTimer:
    """When the next checkpoint is due: by steps, by seconds, and never for more than its share of the time."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self.ended = time.monotonic()
        self.cost_s = 0.0

    def due(self, step: int) -> bool:
        """Whether the state after `step` steps should be written."""
        steps = self.checkpoint.every_steps
        if steps and step % steps == 0:
            return True
        wait = max(self.checkpoint.every_s, self.cost_s / SHARE_OF_TIME)
        return time.monotonic() - self.ended >= wait

    def save(self, state: TrainingState, content: dict[str, Any]) -> None:
        """Write, and keep how long that took."""
        started = time.monotonic()
        self.checkpoint.save(state, content)
        self.ended = time.monotonic()
        self.cost_s = self.ended - started


def read_file(path: Path) -> tuple[dict[str, Any], bytes]:
    """Header and tensors' bytes of a checkpoint, checked against its sha256. Raises :class:`DamagedCheckpoint`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DamagedCheckpoint(f"it cannot be read: {reason_of(error)}") from error
    if not content.startswith(FORMAT):
        raise DamagedCheckpoint("it is no checkpoint of this version")
    digest, _, body = content[len(FORMAT) :].partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise DamagedCheckpoint("it is damaged: its sha256 is another than the one it was written with")
    line, _, payload = body.partition(b"\n")
    header: dict[str, Any] = json.loads(line)  # the very bytes that were written
    return header, payload


def _tensors(payload: bytes) -> dict[str, Any]:
    content: dict[str, Any] = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    return content


def changes(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> list[str]:
    """What differs between two nested mappings, as "key is 2, was 4"."""
    found: list[str] = []
    for key in sorted({*old, *new}):
        a, b = old.get(key), new.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            found += changes(a, b, f"{prefix}{key}.")
        elif a != b:
            found.append(f"{prefix}{key} is {b}, was {a}")
    return found
