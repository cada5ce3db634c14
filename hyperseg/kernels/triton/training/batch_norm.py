"""Batch norm of a training step with the activation after it, forward and backward: each reads its maps twice at most.

PyTorch runs the norm, the activation and their gradients as kernels of their own, which is most of what a step moves
through memory. Every sum has a fixed order: two runs give the same bits.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hyperseg.kernels.triton.launch import FUSED, ceil_div, power_of_two
from hyperseg.kernels.triton.training.batch_norm_kernels import (
    norm_apply,
    norm_finish,
    norm_gradient,
    norm_gradient_finish,
    norm_gradient_sums,
    norm_sums,
)

_PROGRAMS = 1056  # eight a multiprocessor of an H100 or H200
_TILE = 4096  # values of a program at a time
_FINISH_CHANNELS = 16  # of a program that adds up parts


class _Shape:
    """How a map (B, C, H, W) lies, and how its kernels go over it."""

    def __init__(self, x: Tensor) -> None:
        batch, self.channels, height, width = x.shape
        last = height * width == 1 or x.is_contiguous(memory_format=torch.channels_last)
        self.neighbours = 1 if last else height * width
        self.values = batch * height * width
        self.format = torch.channels_last if last and height * width > 1 else torch.contiguous_format
        self.bc = min(64, power_of_two(self.channels, 1)) if last else 1
        self.bk = _TILE // self.bc
        self.columns = ceil_div(self.channels, self.bc)
        most = max(1, _PROGRAMS // self.columns)
        self.each = ceil_div(ceil_div(self.values, most), self.bk) * self.bk
        self.programs = ceil_div(self.values, self.each)

    def parts(self, x: Tensor) -> Tensor:
        return torch.empty(self.programs, 2, self.channels, dtype=torch.float32, device=x.device)

    @property
    def over_channels(self) -> dict[str, Any]:
        """Tiles of a kernel that adds up parts."""
        return {"BP": min(64, power_of_two(self.programs, 1)), "BC": _FINISH_CHANNELS, **FUSED}


class _NormActivation(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        running_mean: Tensor,
        running_var: Tensor,
        momentum: float,
        eps: float,
        activation: int,
    ) -> Tensor:
        if not (x.is_contiguous() or x.is_contiguous(memory_format=torch.channels_last)):
            x = x.contiguous()
        shape = _Shape(x)
        values, channels, s = shape.values, shape.channels, shape.neighbours
        parts, saved = shape.parts(x), torch.empty(4, channels, dtype=torch.float32, device=x.device)
        y = torch.empty_like(x)
        tile: dict[str, Any] = {"S": s, "BK": shape.bk, "BC": shape.bc, **FUSED}
        norm_sums[(shape.columns, shape.programs)](x, parts, values, channels, shape.each, **tile)
        norm_finish[(ceil_div(channels, _FINISH_CHANNELS),)](
            x, parts, weight, bias, running_mean, running_var, saved, values, channels, shape.programs, momentum, eps,
            S=s, **shape.over_channels,
        )  # fmt: skip
        grid = (ceil_div(values, shape.bk), shape.columns)
        norm_apply[grid](x, saved, y, values, channels, ACTIVATION=activation, **tile)
        ctx.save_for_backward(x, saved)
        ctx.shape, ctx.activation = shape, activation
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, saved = ctx.saved_tensors
        shape: _Shape = ctx.shape
        grad = grad.contiguous(memory_format=shape.format)
        values, channels = shape.values, shape.channels
        parts = shape.parts(x)
        grad_weight, grad_bias = torch.empty(2, channels, dtype=torch.float32, device=x.device)
        grad_x = torch.empty_like(x)
        tile: dict[str, Any] = {"S": shape.neighbours, "ACTIVATION": ctx.activation, "BK": shape.bk, "BC": shape.bc}
        tile |= FUSED
        norm_gradient_sums[(shape.columns, shape.programs)](x, grad, saved, parts, values, channels, shape.each, **tile)
        norm_gradient_finish[(ceil_div(channels, _FINISH_CHANNELS),)](
            parts, grad_weight, grad_bias, channels, shape.programs, **shape.over_channels
        )
        grid = (ceil_div(values, shape.bk), shape.columns)
        norm_gradient[grid](x, grad, saved, grad_weight, grad_bias, grad_x, values, channels, **tile)
        return grad_x, grad_weight, grad_bias, None, None, None, None, None


def norm_activation(x: Tensor, norm: torch.nn.BatchNorm2d, activation: int) -> Tensor:
    """``norm`` in training mode and the activation of that code, for a map (B, C, H, W) in any precision.

    Statistics and sums are float32; running statistics are updated as PyTorch does, the batch's count too.
    """
    if x.numel() == x.shape[1]:
        raise ValueError(f"batch norm in training needs more than one value a channel, not {tuple(x.shape)}")
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert norm.num_batches_tracked is not None
    assert norm.momentum is not None
    norm.num_batches_tracked.add_(1)
    answer: Tensor = _NormActivation.apply(
        x, norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.momentum, norm.eps, activation
    )
    return answer
