"""The patch-wise depthwise convolution for training on a CPU, forward and backward in C++.

PyTorch runs a convolution of ten thousand groups one group after the other and without vectors; here the groups are
shared among the threads.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hyperseg.models.native_build import library


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, filters: Tensor) -> Tensor:
        x, filters = x.contiguous(), filters.contiguous()
        ctx.save_for_backward(x, filters)
        count, channels, height, width = x.shape
        out = x.new_empty(count, channels, height - 2, width - 2)
        library().hyperseg_depthwise(
            x.data_ptr(), filters.data_ptr(), out.data_ptr(),
            count * channels, height - 2, width - 2, torch.get_num_threads(),
        )  # fmt: skip
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, filters = ctx.saved_tensors
        grad = grad.contiguous()
        grad_x, grad_filters = torch.empty_like(x), torch.empty_like(filters)
        count, channels, height, width = grad.shape
        library().hyperseg_depthwise_backward(
            x.data_ptr(), filters.data_ptr(), grad.data_ptr(), grad_x.data_ptr(), grad_filters.data_ptr(),
            count * channels, height, width, torch.get_num_threads(),
        )  # fmt: skip
        return grad_x, grad_filters


def depthwise(x: Tensor, filters: Tensor) -> Tensor:
    """Valid 3x3: patches (N, C, h + 2, w + 2) and filters (N, C, 9), float32 on the CPU, to (N, C, h, w)."""
    out: Tensor = _Depthwise.apply(x, filters)
    return out
