"""Losses of the released recipes. Source: the paper's section 4 and its released training configurations."""

import torch
from torch import Tensor
from torch.nn import functional as F

from hyperseg.data.description import IGNORED


def cross_entropy(logits: Tensor, target: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
    """Mean over the pixels that are not ignored (255); 0 where all are. Logits (B, C, H, W), target (B, H, W) int64."""
    losses = F.cross_entropy(logits, target, ignore_index=IGNORED, reduction="sum", label_smoothing=label_smoothing)
    return losses / (target != IGNORED).sum().clamp(min=1)


def bootstrapped_cross_entropy(
    logits: Tensor,
    target: Tensor,
    k: int = 4096,
    threshold: float = 0.3,
    *,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Mean over images of each image's hard pixels.

    Per image, ignored pixels (255) count 0. Where more than `k` pixels have a loss above `threshold`, those are kept,
    else the `k` largest; an image of no more than `k` pixels keeps them all (the released code fails there). Counting
    gives the same choice as the published sort. With `label_smoothing`, pixels are chosen by their loss without it:
    with it, hardly any would lie below the threshold.

    Logits (B, C, H, W), target (B, H, W) int64; returns a scalar.
    """
    losses = F.cross_entropy(logits, target, ignore_index=IGNORED, reduction="none").flatten(1)
    values = losses
    if label_smoothing:
        values = F.cross_entropy(
            logits, target, ignore_index=IGNORED, reduction="none", label_smoothing=label_smoothing
        ).flatten(1)
    if losses.shape[1] <= k:
        return values.mean()
    if losses.is_cuda:
        return without_waiting(losses, values, k, threshold)
    hard = losses > threshold
    counts = hard.sum(1).tolist()
    kept = [
        (value * mask).sum() / count if count > k else _of_largest(image, value, k).mean()
        for image, value, mask, count in zip(losses, values, hard, counts, strict=True)
    ]
    return torch.stack(kept).mean()


def without_waiting(losses: Tensor, values: Tensor, k: int, threshold: float) -> Tensor:
    """The bootstrapped mean of `values` (B, N), N > k, of pixels chosen by `losses` (B, N).

    Both means are computed for every image, and the host need not learn how many exceed the threshold: a GPU has
    the time for that, but not for a wait in every step.
    """
    hard = losses > threshold
    counts = hard.sum(1)
    above = (values * hard).sum(1) / counts.clamp(min=1)
    return torch.where(counts > k, above, _of_largest(losses, values, k).mean(1)).mean()


def _of_largest(losses: Tensor, values: Tensor, k: int) -> Tensor:
    """The values (..., k) of the k largest losses (..., N)."""
    largest = losses.topk(k, sorted=False)
    # a gradient without a sum: a gather's deterministic gradient is slower on a GPU
    return largest.values if values is losses else values.gather(-1, largest.indices)
