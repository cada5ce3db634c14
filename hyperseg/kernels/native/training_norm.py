"""Batch norm with its activation as one operator of a CPU training step (``training.cpp``).

PyTorch writes and keeps the norm's output, activates it into a second map and reads both again in the backward pass.
Here only the norm's input is kept; the rest is computed again, in cache.
"""

import ctypes
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from hyperseg.kernels.native import libraries

ACTIVATIONS = {"none": 0, "swish": 1, "relu": 2, "relu6": 3}
PIECE = 64  # pixels of a channels-last map whose sums are taken together


class NormMap(ctypes.Structure):
    """``NormMap`` of the source, field by field."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("pieces", "rows", "length", "total", "planes")),
        *((name, ctypes.c_float) for name in ("eps", "momentum")),
        *((name, ctypes.c_int32) for name in ("activation", "threads", "half")),
    )


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, norm: nn.BatchNorm2d, activation: str) -> Tensor:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        ctx.map = _describe(x, norm, ACTIVATIONS[activation])
        out, mean, invstd = torch.empty_like(x), torch.empty_like(weight), torch.empty_like(weight)
        libraries.training_library().hyperseg_norm(
            ctypes.byref(ctx.map), *_pointers(x, weight, bias, norm.running_mean, norm.running_var, out, mean, invstd)
        )
        torch.autograd.graph.increment_version((norm.running_mean, norm.running_var))
        ctx.save_for_backward(x, weight, bias, mean, invstd)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, bias, mean, invstd = ctx.saved_tensors
        grad = grad.contiguous(memory_format=torch.contiguous_format if ctx.map.planes else torch.channels_last)
        grad_x, grad_weight, grad_bias = torch.empty_like(x), torch.empty_like(weight), torch.empty_like(bias)
        ctx.map.threads = torch.get_num_threads()
        libraries.training_library().hyperseg_norm_backward(
            ctypes.byref(ctx.map),
            *_pointers(x, weight, bias, mean, invstd, grad, grad_x, grad_weight, grad_bias),
        )
        return grad_x, grad_weight, grad_bias, None, None


def norm_activate(x: Tensor, norm: nn.BatchNorm2d, activation: str) -> Tensor:
    """The batch norm in training mode, and one of :data:`ACTIVATIONS`, of a map (B, C, H, W) that :func:`fits`."""
    if norm.num_batches_tracked is not None:
        norm.num_batches_tracked.add_(1)
    out: Tensor = _Norm.apply(x, norm.weight, norm.bias, norm, activation)
    return out


def fits(x: Tensor, norm: nn.BatchNorm2d) -> bool:
    """Whether :func:`norm_activate` can run: on a CPU in training, dense, and a C++ compiler."""
    return (
        norm.training
        and norm.affine
        and norm.momentum is not None
        and norm.running_mean is not None
        and trains_natively(x)
        and norm.weight.dtype == norm.bias.dtype == norm.running_mean.dtype == torch.float32
        and (is_channels_last(x) or x.is_contiguous())
    )


def trains_natively(x: Tensor) -> bool:
    """Whether a training step on this map may use the C++ kernels: float32, or bfloat16 under autocast to it."""
    wanted = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else torch.float32
    return (
        torch.is_grad_enabled()
        and not torch.compiler.is_compiling()
        and x.device.type == "cpu"
        and x.dtype == wanted
        and wanted in (torch.float32, torch.bfloat16)
        and libraries.training_available()
    )


def is_half(x: Tensor) -> bool:
    """Whether the kernels read the map as bfloat16."""
    return x.dtype == torch.bfloat16


def is_channels_last(x: Tensor) -> bool:
    """Whether (B, C, H, W) lies in memory as (B, H, W, C)."""
    return x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last)


def _describe(x: Tensor, norm: nn.BatchNorm2d, activation: int) -> NormMap:
    batch, channels, height, width = x.shape
    pixels = height * width
    common = {"eps": norm.eps, "momentum": norm.momentum, "activation": activation, "threads": torch.get_num_threads()}
    common["half"] = is_half(x)
    if not is_channels_last(x):
        return NormMap(pieces=batch, rows=channels, length=pixels, total=batch * channels, planes=1, **common)
    total = batch * pixels
    return NormMap(pieces=-(-total // PIECE), rows=PIECE, length=channels, total=total, planes=0, **common)


def _pointers(*tensors: Tensor) -> list[int]:
    return [tensor.data_ptr() for tensor in tensors]
