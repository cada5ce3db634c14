"""The patch-wise depthwise convolution for training on a CPU, with a backward pass of its own.

PyTorch's own backward pass runs a convolution of ten thousand groups one group after the other and without vectors.
Here the gradient of the input is one more forward convolution, and that of the filters nine products; where there is a
C++ compiler, both passes run in C++ instead, five to ten times as fast again. The two round differently, so a training
records which one it used.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from hyperseg.kernels.native import libraries
from hyperseg.kernels.native.training_norm import is_half


class _Native(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, filters: Tensor) -> Tensor:
        x, filters = x.contiguous(), filters.contiguous()
        ctx.save_for_backward(x, filters)
        count, channels, height, width = x.shape
        out = x.new_empty(count, channels, height - 2, width - 2)
        libraries.training_library().hyperseg_depthwise(
            x.data_ptr(), filters.data_ptr(), out.data_ptr(),
            count * channels, height - 2, width - 2, is_half(x), torch.get_num_threads(),
        )  # fmt: skip
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, filters = ctx.saved_tensors
        grad = grad.contiguous()
        grad_x, grad_filters = torch.empty_like(x), torch.empty_like(filters)
        count, channels, height, width = grad.shape
        libraries.training_library().hyperseg_depthwise_backward(
            x.data_ptr(), filters.data_ptr(), grad.data_ptr(), grad_x.data_ptr(), grad_filters.data_ptr(),
            count * channels, height, width, is_half(x), torch.get_num_threads(),
        )  # fmt: skip
        return grad_x, grad_filters


class _Plain(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, filters: Tensor) -> Tensor:
        ctx.save_for_backward(x, filters)
        return _correlate(x, filters, padding=0)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, filters = ctx.saved_tensors
        height, width = grad.shape[-2:]
        shifts = [x[:, :, i : i + height, j : j + width] for i in range(3) for j in range(3)]
        grad_filters = torch.stack([torch.einsum("nchw,nchw->nc", shift, grad) for shift in shifts], dim=-1)
        return _correlate(grad, filters.flip(-1), padding=2), grad_filters


def depthwise(x: Tensor, filters: Tensor) -> Tensor:
    """Valid 3x3: patches (N, C, h + 2, w + 2) and filters (N, C, 9), on the CPU, to (N, C, h, w)."""
    native = x.dtype == filters.dtype and x.dtype in (torch.float32, torch.bfloat16) and libraries.training_available()
    out: Tensor = _Native.apply(x, filters) if native else _Plain.apply(x, filters)
    return out


def _correlate(x: Tensor, filters: Tensor, padding: int) -> Tensor:
    """Every channel of every patch with its own filter, as one grouped convolution."""
    count, channels, height, width = x.shape
    y = F.conv2d(
        x.reshape(1, count * channels, height, width),
        filters.reshape(count * channels, 1, 3, 3),
        padding=padding,
        groups=count * channels,
    )
    return y.reshape(count, channels, y.shape[-2], y.shape[-1])
