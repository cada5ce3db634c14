"""Depthwise convolutions and squeeze-excite gates of channels-last maps (``training.cpp``), to train on a CPU.

PyTorch's backward pass of a depthwise convolution takes a third of the backbone's step.
"""

import ctypes
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hyperseg.models.native import libraries

KERNELS = (3, 5)


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int, before: int, after: int) -> Tensor:
        batch, channels, height, width = x.shape
        kernel = weight.shape[-1]
        out_height, out_width = ((n + before + after - kernel) // stride + 1 for n in (height, width))
        ctx.kernel = kernel
        ctx.shape = (ctypes.c_int64 * 8)(batch, channels, height, width, out_height, out_width, stride, before)
        filters = weight.detach().reshape(channels, kernel * kernel).t().contiguous()
        out = torch.empty(
            (batch, channels, out_height, out_width), dtype=x.dtype, device=x.device, memory_format=torch.channels_last
        )
        libraries.training_library().hyperseg_maps(
            ctx.shape, kernel, x.data_ptr(), filters.data_ptr(), out.data_ptr(), torch.get_num_threads()
        )
        ctx.save_for_backward(x, filters)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, filters = ctx.saved_tensors
        grad = grad.contiguous(memory_format=torch.channels_last)
        grad_x, grad_filters = torch.empty_like(x), torch.empty_like(filters)
        libraries.training_library().hyperseg_maps_backward(
            ctx.shape, ctx.kernel, x.data_ptr(), filters.data_ptr(), grad.data_ptr(),
            grad_x.data_ptr(), grad_filters.data_ptr(), torch.get_num_threads(),
        )  # fmt: skip
        return grad_x, grad_filters.t().reshape(-1, 1, ctx.kernel, ctx.kernel), None, None, None


class _Pool(torch.autograd.Function):
    """Gives the map beside its mean, so that the mean's gradient is added to the map's in place."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        ctx.pixels = x.shape[2] * x.shape[3]
        return x.mean((2, 3)), x.view_as(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_mean: Tensor, grad: Tensor) -> Tensor:
        # In place: the gradient is :class:`_Gate`'s own, and nobody else gets it.
        return grad.add_((grad_mean / ctx.pixels)[:, :, None, None])


class _Gate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, gate: Tensor) -> Tensor:
        ctx.save_for_backward(x, gate)
        return x * gate

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, gate = ctx.saved_tensors
        grad, factors = grad.contiguous(memory_format=torch.channels_last), gate.contiguous()
        grad_x, grad_gate = torch.empty_like(x), torch.empty_like(factors)
        batch, channels, height, width = x.shape
        libraries.training_library().hyperseg_gate_backward(
            batch, height * width, channels, x.data_ptr(), factors.data_ptr(), grad.data_ptr(),
            grad_x.data_ptr(), grad_gate.data_ptr(), torch.get_num_threads(),
        )  # fmt: skip
        return grad_x, grad_gate


def depthwise(x: Tensor, weight: Tensor, stride: int, before: int, after: int) -> Tensor:
    """Depthwise convolution of a channels-last map (B, C, H, W) with filters (C, 1, k, k), k one of :data:`KERNELS`.

    ``before`` and ``after`` are the lines of zeros around the map.
    """
    out: Tensor = _Depthwise.apply(x, weight, stride, before, after)
    return out


def gated(x: Tensor, gate: Callable[[Tensor], Tensor]) -> Tensor:
    """A channels-last map (B, C, H, W) times the factors (B, C) that ``gate`` makes of its mean, (B, C)."""
    mean, x = _Pool.apply(x)
    out: Tensor = _Gate.apply(x, gate(mean)[..., None, None])
    return out
