"""What stops a training that cannot go well: one sentence, and the batch at hand saved beside it."""

import math
import tempfile
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from hyperseg.data.description import IGNORED
from hyperseg.errors import UserError, reason_of
from hyperseg.training.recipe import Recipe
from hyperseg.training.step import StepOutcome

QUEUE = 4  # steps by which the GPU may be ahead of the host
LOOK_EVERY = 50  # steps between looks for a constant prediction


@dataclass(frozen=True)
class _Pending:
    step: int
    values: Tensor  # float32 (3,): loss, gradient's norm, constant; on the host
    ready: torch.cuda.Event | None
    images: Tensor
    labels: Tensor
    learning_rate: float


def check_finite(model: nn.Module) -> None:
    """Raise :class:`UserError` where a tensor that is to be kept holds no number: no loss follows the last update."""
    for name, tensor in model.state_dict().items():
        if not torch.isfinite(tensor).all():
            raise UserError(
                f"the training diverged: {name} of the weights that were to be kept holds values that are no finite "
                "numbers, so nothing was written; lower training.learning_rate and train again"
            )


class Guards:
    """Reads the values of steps as they become known, and raises :class:`UserError` for one that must not go on.

    On a CPU a value is known at once. From a GPU it is copied while the next steps run, and read some steps later.
    """

    def __init__(self, recipe: Recipe, num_classes: int, folder: Path | None) -> None:
        self.recipe, self.num_classes, self.folder = recipe, num_classes, folder
        self._pending: deque[_Pending] = deque()
        self._constant_since: int | None = None

    def check_batch(self, step: int, images: Tensor, labels: Tensor) -> None:
        """Raise unless images (B, H, W, 3) and labels (B, H, W) agree in size and each label is a class or ignored."""
        if images.shape[:3] != labels.shape:
            image_size, label_size = (" x ".join(map(str, t.shape[:3])) for t in (images, labels))
            self._stop(step, images, labels, f"images {image_size} and labels {label_size} differ in size",
                       "run `hyperseg data verify`")  # fmt: skip
        outside = labels[(labels >= self.num_classes) & (labels != IGNORED)]
        if outside.numel():
            what = f"a label holds {int(outside[0])}, but the network has {self.num_classes} classes"
            self._stop(step, images, labels, what, "correct the dataset's classes or labels")

    def looks_at(self, step: int) -> bool:
        """Whether this step is checked for a constant prediction."""
        return self.recipe.constant_prediction_steps is not None and step % LOOK_EVERY == 0

    def add(self, step: int, outcome: StepOutcome, images: Tensor, labels: Tensor, rate: float) -> list[float]:
        """Take the values of a step; returns the losses that have become known, in order."""
        nothing = torch.zeros((), device=outcome.loss.device)
        parts = [outcome.loss, nothing if outcome.gradient_norm is None else outcome.gradient_norm]
        parts.append(nothing if outcome.constant is None else outcome.constant)
        values, ready = torch.stack([part.float() for part in parts]), None
        if values.is_cuda:
            values = values.to("cpu", non_blocking=True)
            ready = torch.cuda.Event()
            ready.record()
        self._pending.append(_Pending(step, values, ready, images, labels, rate))
        return self._read(QUEUE if ready else 0)

    def drain(self) -> list[float]:
        """The losses that are still on the way."""
        return self._read(0)

    def _read(self, leave: int) -> list[float]:
        known = []
        while len(self._pending) > leave:
            one = self._pending.popleft()
            if one.ready:
                one.ready.synchronize()
            loss, norm, constant = one.values.tolist()
            self._check(one, loss, norm, bool(constant))
            known.append(loss)
        return known

    def _check(self, one: _Pending, loss: float, norm: float, constant: bool) -> None:
        if not math.isfinite(loss):
            self._stop(
                one.step, one.images, one.labels, f"the loss became {loss} at learning rate {one.learning_rate:.3g}",
                "lower training.learning_rate and train again",
            )  # fmt: skip
        bound = self.recipe.gradient_bound
        if bound is not None and not norm <= bound and self.recipe.precision != "float16":
            self._stop(
                one.step, one.images, one.labels,
                f"the gradient's norm became {norm:.3g}, above training.gradient_bound {bound:g}",
                "lower training.learning_rate or raise the bound",
            )  # fmt: skip
        if self.looks_at(one.step):
            self._check_constant(one, constant)

    def _check_constant(self, one: _Pending, constant: bool) -> None:
        several = len(torch.unique(one.labels[one.labels != IGNORED])) > 1
        if not (constant and several):
            self._constant_since = None
            return
        if self._constant_since is None:
            self._constant_since = one.step
        limit = self.recipe.constant_prediction_steps
        if limit is not None and one.step - self._constant_since >= limit:
            self._stop(
                one.step, one.images, one.labels,
                f"one class alone has been predicted since step {self._constant_since + 1}",
                "lower training.learning_rate, or set training.constant_prediction_steps to null to let it go on",
            )  # fmt: skip

    def _stop(self, step: int, images: Tensor, labels: Tensor, what: str, remedy: str) -> None:
        epoch = step // self.recipe.steps_per_epoch
        kept = self._save(step, images, labels)
        raise UserError(f"{what} in epoch {epoch + 1}, step {step + 1}; {remedy}{kept}")

    def _save(self, step: int, images: Tensor, labels: Tensor) -> str:
        """Keep a batch for a look at it; returns what the sentence says of that."""
        if self.folder is None:
            return ""
        path = self.folder / f"batch-step{step + 1}.npz"
        try:
            with tempfile.NamedTemporaryFile(dir=self.folder, prefix=f".{path.name}.", delete=False) as file:
                np.savez_compressed(file, images=images.numpy(), labels=labels.numpy())
            Path(file.name).chmod(0o644)
            Path(file.name).replace(path)
        except OSError as error:
            return f" (the batch could not be saved: {reason_of(error)})"
        return f" (the batch is in {path})"
