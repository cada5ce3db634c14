"""One optimizer step: forward, loss, backward, update, in the recipe's precision."""

import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hyperseg.data.description import IGNORED
from hyperseg.data.transforms import normalize
from hyperseg.training.loss import bootstrapped_cross_entropy, cross_entropy
from hyperseg.training.parallel import Processes, SynchronizedBatchNorm
from hyperseg.training.recipe import Recipe

ALONE = Processes()
LOOK = 4  # every so many pixels are looked at for a constant prediction


@dataclass(frozen=True)
class StepOutcome:
    """What a step gave, still on the device."""

    loss: Tensor  # float32 (), before the step
    gradient_norm: Tensor | None  # float32 (), where the recipe bounds it
    constant: Tensor | None  # bool (): one class was predicted everywhere; None where it was not looked at


def make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Adam by the recipe. On a GPU step count and learning rate are tensors, which a captured step reads."""
    on_gpu = next(model.parameters()).is_cuda
    rate = (
        torch.tensor(recipe.learning_rate, device=next(model.parameters()).device) if on_gpu else recipe.learning_rate
    )
    return torch.optim.Adam(model.parameters(), lr=rate, betas=recipe.betas, fused=True, capturable=on_gpu)


def make_scaler(recipe: Recipe, device: torch.device) -> torch.amp.GradScaler:
    """Scales a float16 loss against vanishing gradients; does nothing in the other precisions."""
    return torch.amp.GradScaler(device.type, enabled=recipe.precision == "float16")


def train_step(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    optimizer: torch.optim.Optimizer,
    recipe: Recipe,
    device: torch.device,
    scaler: torch.amp.GradScaler | None = None,
    *,
    look: bool = False,
    among: Processes = ALONE,
) -> StepOutcome:
    """One optimizer step on images uint8 (B, H, W, 3) and labels uint8 (B, H, W), as the loader gives them.

    `among` several processes, these are the process's share of the batch, and `model` averages their gradients.

    The batch is run in `recipe.accumulate` equal parts whose gradients add up to the whole batch's (batch norm sees a
    part at a time). On a CPU there is no step where the loss is no number; a GPU is not made to wait for that answer,
    so there the step is done and whoever reads the loss must stop. `look`: see whether the prediction is constant.
    """
    parts = recipe.accumulate
    optimizer.zero_grad(set_to_none=True)
    pieces = parts * among.count
    counted = among.total(int((labels != IGNORED).sum())) if pieces > 1 and recipe.loss == "cross_entropy" else 0
    losses, constant = [], None
    for part, (image_part, label_part) in enumerate(zip(images.chunk(parts), labels.chunk(parts), strict=True), 1):
        batch = normalize(image_part.to(device, non_blocking=True))
        if not recipe.channels_last:
            batch = batch.contiguous()
        target = label_part.to(device, non_blocking=True).long()
        dtype = torch.float16 if recipe.precision == "float16" else torch.bfloat16
        with torch.autocast(device.type, dtype, enabled=recipe.precision != "float32"), _synchronized(recipe, among):
            logits = model(batch)
        loss = _loss(logits.float(), target, recipe)
        if pieces > 1:  # the piece's share of the batch's mean; gradients are averaged over processes
            share = 1 / parts
            if recipe.loss == "cross_entropy":
                share = among.count * int((label_part != IGNORED).sum()) / max(counted, 1)
            loss = loss * share
        losses.append(loss.detach())
        if look:
            constant = _is_constant(logits) if constant is None else constant & _is_constant(logits)
        if device.type == "cpu" and among.count == 1 and not math.isfinite(loss.item()):
            return StepOutcome(loss.detach(), None, None)
        with _keeping_gradients(model, part < parts):
            (scaler.scale(loss) if scaler else loss).backward()
    norm = None
    if recipe.gradient_bound is not None:
        if scaler:
            scaler.unscale_(optimizer)
        norm = nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None])
        if (
            device.type == "cpu"
            and among.count == 1
            and not norm <= recipe.gradient_bound
            and not (scaler and scaler.is_enabled())
        ):
            return StepOutcome(torch.stack(losses).sum(), norm, None)
    if scaler:
        scaler.step(optimizer)
        scaler.update()
    else:
        optimizer.step()
    total = torch.stack(losses).sum() if parts > 1 else losses[0]
    return StepOutcome(among.mean(total), norm, constant if constant is None else among.mean(constant.float()) == 1)


def _synchronized(recipe: Recipe, among: Processes) -> AbstractContextManager[object]:
    return SynchronizedBatchNorm() if among.count > 1 and recipe.synchronized_batch_norm else nullcontext()


def _keeping_gradients(model: nn.Module, more: bool) -> AbstractContextManager[object]:
    """Processes exchange gradients after the last part of a batch alone."""
    return model.no_sync() if more and isinstance(model, nn.parallel.DistributedDataParallel) else nullcontext()


def _loss(logits: Tensor, target: Tensor, recipe: Recipe) -> Tensor:
    if recipe.loss == "bootstrapped_cross_entropy":
        return bootstrapped_cross_entropy(
            logits, target, recipe.bootstrap_k, recipe.bootstrap_threshold, label_smoothing=recipe.label_smoothing
        )
    return cross_entropy(logits, target, label_smoothing=recipe.label_smoothing)


def _is_constant(logits: Tensor) -> Tensor:
    seen = logits.detach()[:, :, ::LOOK, ::LOOK].max(1).indices
    return (seen == seen[:1, :1, :1]).all()
