"""Going on with an interrupted training: the same weights come out as without the interruption."""

import hashlib
import json
import pickle
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hyperseg.records import EpochPoint

FILE = ".checkpoint.pt"
INTERVAL_S = 300.0  # least time between two files; they are written at the ends of epochs


class Checkpoint:
    """The state of a training at the end of an epoch, in one file that is gone when the training is done.

    `identity` is everything the weights depend on (recipe, seed, data, device, threads, versions): a file of another
    training is not taken up.
    """

    def __init__(self, folder: Path, identity: dict[str, Any], interval_s: float | None = None) -> None:
        self.path = folder / FILE
        self.key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
        self.interval_s = INTERVAL_S if interval_s is None else interval_s
        self.written = time.monotonic()
        self.state: dict[str, Any] | None = self._read()

    @property
    def epochs_done(self) -> int:
        """Epochs that need not be trained again."""
        return len(self.state["points"]) if self.state else 0

    def restore(self, model: nn.Module, optimizer: torch.optim.Optimizer, device: torch.device) -> "Progress":
        """Put the saved state into the model, the optimizer and the random generators; returns what else there was."""
        if self.state is None:
            return Progress([], [], None)
        state, self.state = self.state, None
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["rng"])
        if device.type == "cuda":
            torch.cuda.set_rng_state(state["cuda_rng"], device)
        points = [EpochPoint.model_validate(point) for point in state["points"]]
        return Progress(points, list(state["step_ms"]), state["best"])

    def save(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, device: torch.device, progress: "Progress"
    ) -> None:
        """Write the state, atomically, unless the last file is younger than the interval."""
        if time.monotonic() - self.written < self.interval_s:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_name(self.path.name + ".part")
        state = {
            "key": self.key,
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
            "points": [point.model_dump() for point in progress.points],
            "step_ms": progress.step_ms,
            "best": progress.best,
        }
        torch.save(state, part)
        part.replace(self.path)
        self.written = time.monotonic()

    def remove(self) -> None:
        """The training is done."""
        self.path.unlink(missing_ok=True)

    def _read(self) -> dict[str, Any] | None:
        if not self.path.is_file():
            return None
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError):
            return None  # a damaged file costs the epochs it held, no more
        return state if isinstance(state, dict) and state.get("key") == self.key else None


class Progress:
    """What a training has given so far."""

    def __init__(
        self, points: list[EpochPoint], step_ms: list[float], best: tuple[float, int, dict[str, Tensor]] | None
    ) -> None:
        self.points, self.step_ms = points, step_ms
        self.best = best  # mean IoU, epoch and weights of the best epoch so far
