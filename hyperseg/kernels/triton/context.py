"""The context heads: products whose rows are gathered from one map or two, and the mean of a map."""

from typing import cast

import torch
import triton
import triton.language as tl
from torch import Tensor, nn

from hyperseg.errors import UserError
from hyperseg.kernels.triton.activations import activate, activation_code
from hyperseg.kernels.triton.early import await_previous
from hyperseg.kernels.triton.launch import FULL, Launch, ceil_div, padded, power_of_two, round_up
from hyperseg.models.context import ContextHead
from hyperseg.models.context_voc import VocContextHead

_PLAIN, _PATCHES, _MEAN, _NEAREST = range(4)
# Steps whose loads are on the way together: as many bytes in both precisions, for which GPUs of 99 KiB have room.
_STAGES = {torch.float16: 5, torch.float32: 3}
_SEGMENTS = {_PLAIN: 1, _PATCHES: 4, _MEAN: 2, _NEAREST: 2}


@triton.jit
def joined_product(
    x: tl.tensor,
    y: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    out: tl.tensor,
    H: tl.constexpr,  # of the answer's map
    W: tl.constexpr,
    K: tl.constexpr,  # channels of a segment
    N: tl.constexpr,
    SEGMENTS: tl.constexpr,
    ROWS: tl.constexpr,  # where a segment's rows lie: see the constants above
    X_STRIDE: tl.constexpr,
    OUT_STRIDE: tl.constexpr,
    OUT_AT: tl.constexpr,  # first column of the answer in out
    SPREAD: tl.constexpr,  # each row is stored to the four pixels of a map twice as large
    COLUMNS: tl.constexpr,
    ACTIVATION: tl.constexpr,
    BM: tl.constexpr,
    BN: tl.constexpr,
    BK: tl.constexpr,
    EARLY: tl.constexpr,
) -> None:
    await_previous(EARLY)
    rows = tl.program_id(1) * BM + tl.arange(0, BM)
    columns = tl.program_id(0) * BN + tl.arange(0, BN)
    ks = tl.arange(0, BK)
    inside = tl.minimum(rows, H * W - 1)
    i, j = inside // W, inside % W
    total = tl.zeros((BM, BN), tl.float32)
    b_at = weight + ks[:, None] * COLUMNS + columns[None, :]
    if ROWS == 1:  # the pixels of 2 x 2 patches of x
        for step in range(SEGMENTS * (K // BK)):
            corner, k = step // (K // BK), step % (K // BK) * BK
            row = (2 * i + corner // 2) * (2 * W) + 2 * j + corner % 2
            a = tl.load(x + row[:, None] * X_STRIDE + k + ks[None, :])
            total = tl.dot(a, tl.load(b_at + step * (BK * COLUMNS)), total, input_precision="ieee")
    else:
        for segment in tl.static_range(SEGMENTS):
            if segment == 0:
                a_at = x + inside[:, None] * X_STRIDE + ks[None, :]
            elif ROWS == 2:  # one row for all
                a_at = y + (inside * 0)[:, None] + ks[None, :]
            else:  # a map half as large
                a_at = y + (i // 2 * (W // 2) + j // 2)[:, None] * K + ks[None, :]
            for k in range(0, K, BK):
                b = tl.load(b_at + (segment * K + k) * COLUMNS)
                total = tl.dot(tl.load(a_at + k), b, total, input_precision="ieee")
    total = activate(total + tl.load(bias + columns)[None, :], ACTIVATION).to(out.dtype.element_ty)
    fits = (rows[:, None] < H * W) & (columns[None, :] < N)
    if SPREAD:
        for corner in tl.static_range(4):
            at = (2 * i + corner // 2) * (2 * W) + 2 * j + corner % 2
            tl.store(out + at[:, None] * OUT_STRIDE + OUT_AT + columns[None, :], total, mask=fits)
    else:
        tl.store(out + rows[:, None] * OUT_STRIDE + OUT_AT + columns[None, :], total, mask=fits)


@triton.jit
def map_mean(
    x: tl.tensor,
    out: tl.tensor,
    P: tl.constexpr,
    C: tl.constexpr,
    BP: tl.constexpr,
    BC: tl.constexpr,
    EARLY: tl.constexpr,
) -> None:
    """Mean (C,) of x (P, C)."""
    await_previous(EARLY)
    channels = tl.program_id(0) * BC + tl.arange(0, BC)
    rows = tl.arange(0, BP)
    total = tl.zeros((BC,), tl.float32)
    for first in range(0, P, BP):
        there = (first + rows < P)[:, None] & (channels < C)[None, :]
        value = tl.load(x + (first + rows)[:, None] * C + channels[None, :], mask=there, other=0.0)
        total += tl.sum(value.to(tl.float32), 0)
    tl.store(out + channels, (total / P).to(out.dtype.element_ty), mask=channels < C)


def mean_launch(x: Tensor) -> tuple[Launch, Tensor]:
    """The call and the mean (C,) of ``x`` (P, C)."""
    pixels, channels = x.shape
    out = x.new_empty(channels)
    block = 32
    constants = {"P": pixels, "C": channels, "BP": min(32, power_of_two(pixels, 1)), "BC": block}
    return Launch(map_mean, (ceil_div(channels, block),), (x, out), constants), out


def _joined(
    layer: nn.Module,
    rows: int,
    size: tuple[int, int],
    x: Tensor,
    y: Tensor | None = None,
    *,
    out: Tensor,
    at: int = 0,
    spread: bool = False,
    coarse: bool,
) -> Launch:
    """One layer of a context head: convolution with its batch norm folded, and perhaps a ReLU."""
    assert isinstance(layer, nn.Sequential)
    convolution = cast(nn.Conv2d, layer[0])
    width, channels = convolution.out_channels, convolution.in_channels // (1 if y is None else 2)
    if channels % 16:
        raise UserError(
            f"engine triton has no context head of {channels} channels, only of multiples of 16; choose another engine"
        )
    # Few pixels, many channels: what counts is how many programs fetch the weights, and how much each at a time.
    bk = next(b for b in (128, 64, 32, 16) if channels % b == 0)
    pixels = size[0] * size[1]
    bm = 64 if pixels > 32 else 16
    bn = 32 if ceil_div(pixels, bm) * ceil_div(width, 32) >= FULL else 16
    if coarse:
        bm, bn, bk = power_of_two(pixels), power_of_two(width), channels & -channels
    columns = round_up(width, bn)
    # Rows of the matrix: segment by segment, a patch's pixels in row order.
    matrix = convolution.weight.permute(2, 3, 1, 0).reshape(-1, width)
    bias = x.new_zeros(width, dtype=torch.float32) if convolution.bias is None else convolution.bias.float()
    return Launch(
        joined_product,
        (columns // bn, ceil_div(pixels, bm)),
        (
            x, x if y is None else y, padded(matrix, (matrix.shape[0], columns)).to(x.dtype),
            padded(bias, (columns,)), out,
        ),
        {
            "H": size[0], "W": size[1], "K": channels, "N": width, "SEGMENTS": _SEGMENTS[rows], "ROWS": rows,
            "X_STRIDE": x.shape[1], "OUT_STRIDE": out.shape[1], "OUT_AT": at, "SPREAD": spread, "COLUMNS": columns,
            "ACTIVATION": activation_code(layer[2]) if len(layer) > 2 else 0, "BM": bm, "BN": bn, "BK": bk,
        },
        4,
        _STAGES[x.dtype],
    )  # fmt: skip


def context_launches(
    context: nn.Module, x: Tensor, size: tuple[int, int], coarse: bool = False
) -> tuple[list[Launch], Tensor]:
    """The calls and the signal (h * w, S) of the head's map ``x`` (h * w, C) of ``size`` (h, w).

    The signal's width is rounded up to 32 channels, the last of them zeros.
    """
    if isinstance(context, VocContextHead):
        return _voc(context, x, size, coarse)
    assert isinstance(context, ContextHead)
    half = cast(nn.Conv2d, context.entry[0]).out_channels
    if not len(context.down):
        signal = x.new_zeros(x.shape[0], round_up(half, 32))
        return [_joined(context.entry, _PLAIN, size, x, out=signal, coarse=coarse)], signal
    small = (size[0] // 2, size[1] // 2)
    signal = x.new_zeros(x.shape[0], round_up(2 * half, 32))
    deep = x.new_empty(small[0] * small[1], half)
    mean, deep_mean = mean_launch(deep)
    # The down path reads the signal's first half.
    down = _joined(context.down, _PATCHES, small, signal, out=deep, coarse=coarse)
    return [
        _joined(context.entry, _PLAIN, size, x, out=signal, coarse=coarse),
        down,
        mean,
        _joined(context.up, _MEAN, small, deep, deep_mean, out=signal, at=half, spread=True, coarse=coarse),
    ], signal


def _voc(context: VocContextHead, x: Tensor, size: tuple[int, int], coarse: bool) -> tuple[list[Launch], Tensor]:
    sizes = [(size[0] // scale, size[1] // scale) for scale in (1, 2, 4)]
    channels = x.shape[1]
    middle, deep = (x.new_empty(h * w, channels) for h, w in sizes[1:])
    joined = torch.empty_like(middle)
    mean, deep_mean = mean_launch(deep)
    signal = x.new_zeros(x.shape[0], round_up(channels, 32))
    return [
        _joined(context.down[0], _PATCHES, sizes[1], x, out=middle, coarse=coarse),
        _joined(context.down[1], _PATCHES, sizes[2], middle, out=deep, coarse=coarse),
        mean,
        _joined(context.up[1], _MEAN, sizes[1], middle, deep_mean, out=joined, coarse=coarse),
        _joined(context.up[0], _NEAREST, sizes[0], x, joined, out=signal, coarse=coarse),
    ], signal
