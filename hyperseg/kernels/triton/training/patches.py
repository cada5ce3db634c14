"""The depthwise convolution of patches, each plane with a filter of its own, for a training step.

For PyTorch it is one convolution of hundreds of thousands of groups.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

from hyperseg.kernels.triton.launch import FUSED, ceil_div, power_of_two

LARGEST = 34 * 34  # values of a plane with its halo
_TILE = 2048  # values of a program


@triton.jit
def convolve_planes(
    x: tl.tensor,
    filters: tl.tensor,
    y: tl.tensor,
    M: tl.tensor,
    H: tl.constexpr,
    W: tl.constexpr,
    BM: tl.constexpr,
    BX: tl.constexpr,
) -> None:
    """x (M, H + 2, W + 2) and filters (M, 9) to y (M, H, W)."""
    planes = tl.program_id(0) * BM + tl.arange(0, BM)
    pixels = tl.arange(0, BX)
    there = planes < M
    mask = there[:, None] & (pixels < H * W)[None, :]
    place = pixels // W * (W + 2) + pixels % W
    total = tl.zeros((BM, BX), tl.float32)
    for tap in tl.static_range(9):
        at = planes.to(tl.int64)[:, None] * ((H + 2) * (W + 2)) + (place + (tap // 3 * (W + 2) + tap % 3))[None, :]
        factor = tl.load(filters + planes * 9 + tap, mask=there, other=0.0).to(tl.float32)
        total += tl.load(x + at, mask=mask, other=0.0).to(tl.float32) * factor[:, None]
    at = planes.to(tl.int64)[:, None] * (H * W) + pixels[None, :]
    tl.store(y + at, total.to(y.dtype.element_ty), mask=mask)


@triton.jit
def convolve_planes_gradient(
    x: tl.tensor,
    filters: tl.tensor,
    grad: tl.tensor,
    grad_x: tl.tensor,
    grad_filters: tl.tensor,
    M: tl.tensor,
    H: tl.constexpr,
    W: tl.constexpr,
    BM: tl.constexpr,
    BX: tl.constexpr,
) -> None:
    """The gradients of both, from x (M, H + 2, W + 2), filters (M, 9) and grad (M, H, W)."""
    planes = tl.program_id(0) * BM + tl.arange(0, BM)
    places = tl.arange(0, BX)
    there = planes < M
    mask = there[:, None] & (places < (H + 2) * (W + 2))[None, :]
    i, j = places // (W + 2), places % (W + 2)
    at = planes.to(tl.int64)[:, None] * ((H + 2) * (W + 2)) + places[None, :]
    value = tl.load(x + at, mask=mask, other=0.0).to(tl.float32)
    total = tl.zeros((BM, BX), tl.float32)
    for tap in tl.static_range(9):
        y, z = i - tap // 3, j - tap % 3  # the answers that this place is in, under this tap
        inside = mask & ((y >= 0) & (y < H) & (z >= 0) & (z < W))[None, :]
        given = planes.to(tl.int64)[:, None] * (H * W) + (y * W + z)[None, :]
        slope = tl.load(grad + given, mask=inside, other=0.0).to(tl.float32)
        factor = tl.load(filters + planes * 9 + tap, mask=there, other=0.0).to(tl.float32)
        total += slope * factor[:, None]
        along = tl.sum(slope * value, 1)
        tl.store(grad_filters + planes * 9 + tap, along.to(grad_filters.dtype.element_ty), mask=there)
    tl.store(grad_x + at, total.to(grad_x.dtype.element_ty), mask=mask)


class _Convolved(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, filters: Tensor) -> Tensor:
        count, channels, height, width = x.shape
        x, filters = x.contiguous(), filters.contiguous()
        ctx.size = {"H": height - 2, "W": width - 2, **FUSED}
        y = torch.empty(count, channels, height - 2, width - 2, dtype=x.dtype, device=x.device)
        planes, places = count * channels, power_of_two((height - 2) * (width - 2))
        rows = max(1, _TILE // places)
        convolve_planes[(ceil_div(planes, rows),)](x, filters, y, planes, **ctx.size, BM=rows, BX=places)
        ctx.save_for_backward(x, filters)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, filters = ctx.saved_tensors
        grad, grad_x, grad_filters = grad.contiguous(), torch.empty_like(x), torch.empty_like(filters)
        planes, places = x.shape[0] * x.shape[1], power_of_two(x.shape[2] * x.shape[3])
        rows = max(1, _TILE // places)
        convolve_planes_gradient[(ceil_div(planes, rows),)](
            x, filters, grad, grad_x, grad_filters, planes, **ctx.size, BM=rows, BX=places
        )
        return grad_x, grad_filters


def convolved(patches: Tensor, filters: Tensor) -> Tensor:
    """Valid 3x3 depthwise convolution: patches (N, C, h + 2, w + 2) and filters (N, C * 9) to (N, C, h, w).

    A plane has at most :data:`LARGEST` values.
    """
    answer: Tensor = _Convolved.apply(patches, filters)
    return answer
