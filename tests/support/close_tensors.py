"""Tensors that are equal but for rounding."""

from collections.abc import Sequence

import torch
from torch import Tensor


def close(ours: Sequence[Tensor], theirs: Sequence[Tensor], tolerance: float = 1e-5) -> None:
    """Each within ``tolerance`` of the largest value; some gradients are 0 but for rounding."""
    for mine, other in zip(ours, theirs, strict=True):
        largest = float(other.detach().abs().max())
        torch.testing.assert_close(mine.double(), other.double(), rtol=0, atol=tolerance * largest + 1e-5)
