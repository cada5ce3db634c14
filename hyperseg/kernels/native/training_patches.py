"""Patches with a halo, to train on a CPU (``patches.h``).

PyTorch cuts them by a dozen copies, and gives each a map of zeros and a sum in the backward pass.
"""

import ctypes
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hyperseg.kernels.native import libraries
from hyperseg.kernels.native.training_norm import is_half


class _Split(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, rows: int, columns: int) -> Tensor:
        x = x.contiguous()
        batch, channels, height, width = ctx.shape = x.shape
        ph, pw = height // rows, width // columns
        ctx.cut = (ctypes.c_int64 * 6)(batch, channels, rows, columns, ph, pw)
        out = x.new_empty(batch * rows * columns, channels, ph + 2, pw + 2)
        libraries.training_library().hyperseg_split(
            ctx.cut, x.data_ptr(), out.data_ptr(), is_half(x), torch.get_num_threads()
        )
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        grad, grad_x = grad.contiguous(), grad.new_empty(ctx.shape)
        libraries.training_library().hyperseg_split_backward(
            ctx.cut, grad.data_ptr(), grad_x.data_ptr(), is_half(grad), torch.get_num_threads()
        )
        return grad_x, None, None


def split_with_halo(x: Tensor, grid: tuple[int, int]) -> Tensor:
    """Cut a map (B, C, H, W), H and W above 1, into patches (N, C, ph + 2, pw + 2), reflected at the map's border."""
    out: Tensor = _Split.apply(x, *grid)
    return out
