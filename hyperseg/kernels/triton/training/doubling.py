"""Bilinear upsampling to twice the size, whose gradient has a fixed order.

PyTorch adds a gradient's parts as they come, or, asked for the same bits twice, runs sorted index sums in its place,
which take longer than the convolutions.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

from hyperseg.kernels.triton.launch import FUSED, ceil_div

_PIXELS = 512  # of one program


@triton.jit
def doubled_gradient(
    grad: tl.tensor,
    out: tl.tensor,
    H: tl.tensor,
    W: tl.tensor,
    BM: tl.constexpr,
) -> None:
    """grad (planes, 2 H, 2 W) to out (planes, H, W): each pixel takes 4 x 4 of the gradient's, clamped at borders."""
    plane = tl.program_id(1).to(tl.int64)
    pixels = tl.program_id(0) * BM + tl.arange(0, BM)
    there = pixels < H * W
    y, x = pixels // W, pixels % W
    total = tl.zeros((BM,), tl.float32)
    for i in tl.static_range(4):
        line = tl.zeros((BM,), tl.float32)
        row = tl.minimum(tl.maximum(2 * y + (i - 1), 0), 2 * H - 1)
        for j in tl.static_range(4):
            column = tl.minimum(tl.maximum(2 * x + (j - 1), 0), 2 * W - 1)
            at = grad + plane * (4 * H * W) + row * (2 * W) + column
            line += tl.load(at, mask=there, other=0.0).to(tl.float32) * (0.25 if j == 0 or j == 3 else 0.75)
        total += line * (0.25 if i == 0 or i == 3 else 0.75)
    tl.store(out + plane * (H * W) + pixels, total.to(out.dtype.element_ty), mask=there)


class _Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.size = x.shape
        # Not F.interpolate, which takes sorted index sums as soon as deterministic kernels are asked for.
        return torch.ops.aten.upsample_bilinear2d(x, [2 * x.shape[2], 2 * x.shape[3]], False)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        batch, channels, height, width = ctx.size
        grad = grad.contiguous()
        out = torch.empty(ctx.size, dtype=grad.dtype, device=grad.device)
        grid = (ceil_div(height * width, _PIXELS), batch * channels)
        doubled_gradient[grid](grad, out, height, width, BM=_PIXELS, **FUSED)
        return out


def doubled(x: Tensor) -> Tensor:
    """A map (B, C, H, W) at (2 H, 2 W), as ``F.interpolate`` gives it with ``align_corners=False``."""
    answer: Tensor = _Doubled.apply(x)
    return answer
