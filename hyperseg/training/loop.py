"""The training loop: steps, epochs, the learning rate, and which weights are kept."""

import copy
import math
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hyperseg.data.transforms import normalize
from hyperseg.errors import UserError
from hyperseg.records import EpochPoint
from hyperseg.training.checkpoint import Checkpoint, Progress
from hyperseg.training.loss import bootstrapped_cross_entropy, cross_entropy
from hyperseg.training.progress import TrainingProgress
from hyperseg.training.recipe import Recipe
from hyperseg.training.schedule import polynomial

Score = Callable[[nn.Module], float]  # mean IoU in percent on the recipe's selection_split


@dataclass(frozen=True)
class Fit:
    """What a training gave; the model holds the selected weights."""

    epochs: list[EpochPoint]
    selected_epoch: int
    step_median_ms: float
    peak_memory_bytes: int


def fit(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    recipe: Recipe,
    device: torch.device,
    shown: TrainingProgress,
    score: Score | None = None,
    checkpoint: Checkpoint | None = None,
) -> Fit:
    """Train `model` in place on `batches` (images uint8 (B, H, W, 3), labels uint8 (B, H, W)).

    The batches are those of all epochs, or of the ones after `checkpoint.epochs_done`.

    Raises :class:`UserError` when the loss is no longer a number.
    """
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate, betas=recipe.betas, fused=True)
    so_far = checkpoint.restore(model, optimizer, device) if checkpoint else Progress([], [], None)
    first_step = len(so_far.points) * recipe.steps_per_epoch
    if first_step:
        shown.say(f"going on after epoch {len(so_far.points)} of {recipe.epochs}")
    losses: list[float] = []
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    model.train()
    epoch_started = time.monotonic()
    for step, (images, labels) in enumerate(batches, first_step):
        epoch = step // recipe.steps_per_epoch
        rate = learning_rate(recipe, step)
        for group in optimizer.param_groups:
            group["lr"] = rate
        started = time.perf_counter()
        loss = train_step(model, images, labels, optimizer, recipe, device)
        so_far.step_ms.append(1000 * (time.perf_counter() - started))
        if not math.isfinite(loss):
            raise UserError(
                f"the loss became {loss} in epoch {epoch + 1}, step {step + 1}, at learning rate {rate:.3g}; "
                "lower training.learning_rate and train again"
            )
        losses.append(loss)
        shown.step(step + 1, epoch, statistics.fmean(losses), rate)
        if (step + 1) % recipe.steps_per_epoch:
            continue
        last = epoch + 1 == recipe.epochs
        miou = score(model) if score and (last or (epoch + 1) % recipe.validate_every == 0) else None
        so_far.points.append(
            EpochPoint(
                epoch=epoch + 1, step=step + 1, loss=statistics.fmean(losses), learning_rate=rate,
                duration_s=time.monotonic() - epoch_started, miou_percent=miou,
            )
        )  # fmt: skip
        if miou is not None:
            shown.say(f"epoch {epoch + 1}: mIoU {miou:.2f} % on {recipe.selection_split}")
            if recipe.selection == "best" and (so_far.best is None or miou > so_far.best[0]):
                so_far.best = miou, epoch + 1, copy.deepcopy(model.state_dict())
        if checkpoint and not last:
            checkpoint.save(model, optimizer, device, so_far)
        model.train()
        losses, epoch_started = [], time.monotonic()
    selected = recipe.epochs
    if so_far.best:
        _, selected, weights = so_far.best
        model.load_state_dict(weights)
    model.eval()
    return Fit(so_far.points, selected, statistics.median(so_far.step_ms), _peak_memory(device))


def learning_rate(recipe: Recipe, step: int) -> float:
    """The learning rate of a step, counted from 0."""
    if recipe.decay_unit == "epoch":
        return recipe.learning_rate * polynomial(step // recipe.steps_per_epoch, recipe.epochs, recipe.decay_power)
    return recipe.learning_rate * polynomial(step, recipe.steps, recipe.decay_power)


def train_step(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    optimizer: torch.optim.Optimizer,
    recipe: Recipe,
    device: torch.device,
) -> float:
    """One optimizer step on a batch as the loader gives it; returns the loss before it. No step if it is not finite."""
    batch = normalize(images.to(device, non_blocking=True))
    if not recipe.channels_last:
        batch = batch.contiguous()
    target = labels.to(device, non_blocking=True).long()
    with torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
        logits = model(batch)
    if recipe.loss == "bootstrapped_cross_entropy":
        loss = bootstrapped_cross_entropy(logits.float(), target, recipe.bootstrap_k, recipe.bootstrap_threshold)
    else:
        loss = cross_entropy(logits.float(), target)
    value = loss.item()
    if math.isfinite(value):
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return value


def _peak_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
