"""Squeeze and excitation of a training step: the map is read twice forward, and three times backward."""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

from hyperseg.kernels.triton.launch import FUSED, ceil_div, power_of_two

_TILE = 4096  # values of a program at a time
_PROGRAMS = 1056  # eight a multiprocessor of an H100 or H200


@triton.jit
def scale(
    x: tl.tensor,
    gate: tl.tensor,
    mean_grad: tl.tensor,
    y: tl.tensor,
    P: tl.tensor,
    C: tl.tensor,
    BACKWARD: tl.constexpr,
    BP: tl.constexpr,
    BC: tl.constexpr,
) -> None:
    """x (B, P, C) times gate (B, C); backward plus mean_grad (B, C), the gradient of the mean over P."""
    c = tl.program_id(1) * BC + tl.arange(0, BC)
    p = tl.program_id(0) * BP + tl.arange(0, BP)
    image = tl.program_id(2).to(tl.int64)
    mask = (p < P)[:, None] & (c < C)[None, :]
    at = image * P * C + p[:, None] * C + c[None, :]
    factor = tl.load(gate + image * C + c, mask=c < C, other=0.0)[None, :]
    value = tl.load(x + at, mask=mask, other=0.0).to(tl.float32) * factor
    if BACKWARD:
        value += tl.load(mean_grad + image * C + c, mask=c < C, other=0.0)[None, :] / P
    tl.store(y + at, value.to(y.dtype.element_ty), mask=mask)


@triton.jit
def gate_sums(
    x: tl.tensor,
    grad: tl.tensor,
    sums: tl.tensor,
    P: tl.tensor,
    C: tl.tensor,
    each: tl.tensor,  # pixels that one program adds
    BP: tl.constexpr,
    BC: tl.constexpr,
) -> None:
    """Sums (B, programs, C) of x times grad over pixels."""
    c = tl.program_id(1) * BC + tl.arange(0, BC)
    image = tl.program_id(2).to(tl.int64)
    total = tl.zeros((BP, BC), tl.float32)
    first = tl.program_id(0) * each
    last = tl.minimum(first + each, P)
    for start in range(first, last, BP):
        p = start + tl.arange(0, BP)
        mask = (p < last)[:, None] & (c < C)[None, :]
        at = image * P * C + p[:, None] * C + c[None, :]
        value = tl.load(x + at, mask=mask, other=0.0).to(tl.float32)
        total += value * tl.load(grad + at, mask=mask, other=0.0).to(tl.float32)
    at = sums + (image * tl.num_programs(0) + tl.program_id(0)) * C + c
    tl.store(at, tl.sum(total, 0), mask=c < C)


class _Excited(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, reduce: Tensor, shift: Tensor, expand: Tensor, last_shift: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        with torch.autocast(x.device.type, enabled=False):  # vectors: their precision costs nothing
            mean = x.mean((2, 3), dtype=torch.float32)
            hidden = torch.addmm(shift, mean, reduce.t())
            share = torch.sigmoid(hidden)
            active = hidden * share
            gate = torch.sigmoid(torch.addmm(last_shift, active, expand.t()))
        y = torch.empty_like(x)
        ctx.tile = {"BP": _TILE // min(64, power_of_two(channels)), "BC": min(64, power_of_two(channels)), **FUSED}
        ctx.grid = (ceil_div(height * width, ctx.tile["BP"]), ceil_div(channels, ctx.tile["BC"]), batch)
        scale[ctx.grid](x, gate, gate, y, height * width, channels, BACKWARD=False, **ctx.tile)
        ctx.save_for_backward(x, reduce, expand, mean, hidden, share, active, gate)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
        x, reduce, expand, mean, hidden, share, active, gate = ctx.saved_tensors
        grad = grad.contiguous(memory_format=torch.channels_last)
        batch, channels, height, width = x.shape
        pixels, (tiles, columns, _) = height * width, ctx.grid
        each = ceil_div(tiles, max(1, _PROGRAMS // (columns * batch))) * ctx.tile["BP"]
        sums = torch.empty(batch, ceil_div(pixels, each), channels, dtype=torch.float32, device=x.device)
        gate_sums[(sums.shape[1], columns, batch)](x, grad, sums, pixels, channels, each, **ctx.tile)
        with torch.autocast(x.device.type, enabled=False):
            grad_gate = sums.sum(1) * (gate * (1 - gate))
            grad_hidden = (grad_gate @ expand) * (share * (1 + hidden * (1 - share)))
            grad_mean = grad_hidden @ reduce
            grads = (grad_hidden.t() @ mean, grad_hidden.sum(0), grad_gate.t() @ active, grad_gate.sum(0))
        grad_x = torch.empty_like(x)
        scale[ctx.grid](grad, gate, grad_mean, grad_x, pixels, channels, BACKWARD=True, **ctx.tile)
        return grad_x, *grads


def excited(x: Tensor, reduce: Tensor, reduce_bias: Tensor, expand: Tensor, expand_bias: Tensor) -> Tensor:
    """Squeeze and excitation of a channels-last map (B, C, H, W), with Swish and a sigmoid.

    ``reduce`` (R, C) and ``expand`` (C, R) are the two products' matrices, beside them their biases, all float32.
    """
    answer: Tensor = _Excited.apply(x, reduce, reduce_bias, expand, expand_bias)
    return answer
