"""Depthwise convolutions and squeeze-excite gates of channels-last maps (``training.cpp``), to train on a CPU.

PyTorch's backward pass of a depthwise convolution takes a third of the backbone's step.
"""

import ctypes
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from hyperseg.kernels.native import libraries
from hyperseg.kernels.native.training_norm import is_half

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
            ctx.shape, kernel, x.data_ptr(), filters.data_ptr(), out.data_ptr(), is_half(x), torch.get_num_threads()
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
            grad_x.data_ptr(), grad_filters.data_ptr(), is_half(x), torch.get_num_threads(),
        )  # fmt: skip
        return grad_x, grad_filters.t().reshape(-1, 1, ctx.kernel, ctx.kernel), None, None, None


class _Excite(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, reduce: Tensor, shift: Tensor, expand: Tensor, last_shift: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False):  # vectors: their precision costs nothing
            mean = x.mean((2, 3), dtype=torch.float32)
            hidden = torch.addmm(shift, mean, reduce.t())
            share = torch.sigmoid(hidden)
            active = hidden * share
            gate = torch.sigmoid(torch.addmm(last_shift, active, expand.t()))
        ctx.save_for_backward(x, reduce, expand, mean, hidden, share, active, gate)
        return x * gate[..., None, None].to(x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
        x, reduce, expand, mean, hidden, share, active, gate = ctx.saved_tensors
        grad = grad.contiguous(memory_format=torch.channels_last)
        grad_x, grad_gate = torch.empty_like(x), torch.empty_like(gate)
        batch, channels, height, width = x.shape
        size, threads = (batch, height * width, channels), torch.get_num_threads()
        library = libraries.training_library()
        half = is_half(x)
        library.hyperseg_gate_sums(*size, x.data_ptr(), grad.data_ptr(), grad_gate.data_ptr(), half, threads)
        with torch.autocast("cpu", enabled=False):
            grad_gate *= gate * (1 - gate)
            grad_hidden = (grad_gate @ expand) * (share * (1 + hidden * (1 - share)))
            grad_mean = (grad_hidden @ reduce) / (height * width)
            grads = (grad_hidden.t() @ mean, grad_hidden.sum(0), grad_gate.t() @ active, grad_gate.sum(0))
        library.hyperseg_gate_maps(
            *size, grad.data_ptr(), gate.data_ptr(), grad_mean.data_ptr(), grad_x.data_ptr(), half, threads
        )
        return grad_x, *grads


class _Upsample2(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.shape = x.shape
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        batch, channels, height, width = ctx.shape
        grad, grad_x = grad.contiguous(), grad.new_empty(ctx.shape)
        libraries.training_library().hyperseg_upsample2_backward(
            batch * channels, height, width, grad.data_ptr(), grad_x.data_ptr(), is_half(grad), torch.get_num_threads()
        )
        return grad_x


def depthwise(x: Tensor, weight: Tensor, stride: int, before: int, after: int) -> Tensor:
    """Depthwise convolution of a channels-last map (B, C, H, W) with filters (C, 1, k, k), k one of :data:`KERNELS`.

    ``before`` and ``after`` are the lines of zeros around the map.
    """
    out: Tensor = _Depthwise.apply(x, weight, stride, before, after)
    return out


def excite(x: Tensor, reduce: Tensor, reduce_bias: Tensor, expand: Tensor, expand_bias: Tensor) -> Tensor:
    """Squeeze and excitation of a channels-last map (B, C, H, W), with Swish and a sigmoid.

    ``reduce`` (R, C) and ``expand`` (C, R) are the two products' matrices, beside them their biases.
    """
    out: Tensor = _Excite.apply(x, reduce, reduce_bias, expand, expand_bias)
    return out


def upsample2(x: Tensor) -> Tensor:
    """Bilinear interpolation of planes (B, C, H, W) to (B, C, 2 H, 2 W), ``align_corners=False``."""
    out: Tensor = _Upsample2.apply(x)
    return out
