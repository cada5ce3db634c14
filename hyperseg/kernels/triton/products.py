"""1x1 convolutions as products of all pixels with one matrix, and all that goes with them in one pass.

A map is pixels x channels, channels last. The gate of a squeeze-excitation is applied as the map is loaded; bias,
activation and residual as the answer is stored. A feature's reduction reads the same map as the expansion after it: its
columns are computed beside the expansion's and go to a map of their own.
"""

from dataclasses import dataclass

import torch
import triton
import triton.language as tl
from torch import Tensor

from hyperseg.kernels.triton.activations import activate
from hyperseg.kernels.triton.early import await_previous
from hyperseg.kernels.triton.launch import Launch, ceil_div, padded, power_of_two, round_up


@triton.jit
def product(
    x: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    gate: tl.tensor,
    residual: tl.tensor,
    out: tl.tensor,
    side: tl.tensor,
    P: tl.constexpr,  # pixels
    K: tl.constexpr,  # channels of x
    N: tl.constexpr,  # channels of out
    SIDE: tl.constexpr,  # channels of side; 0 without it
    COLUMNS: tl.constexpr,  # of weight and bias: tiles for out, then tiles for side
    ACTIVATION: tl.constexpr,  # of out; side has none
    GATED: tl.constexpr,
    RESIDUAL: tl.constexpr,
    BM: tl.constexpr,
    BN: tl.constexpr,
    BK: tl.constexpr,
    EARLY: tl.constexpr,
) -> None:
    await_previous(EARLY)
    tile = tl.program_id(0)
    rows = tl.program_id(1) * BM + tl.arange(0, BM)
    columns = tile * BN + tl.arange(0, BN)
    ks = tl.arange(0, BK)
    inside = tl.minimum(rows, P - 1)
    a_at = x + inside[:, None] * K + ks[None, :]
    b_at = weight + ks[:, None] * COLUMNS + columns[None, :]
    total = tl.zeros((BM, BN), tl.float32)
    for k in range(0, K, BK):
        if K % BK == 0:
            a = tl.load(a_at + k)
            if GATED:
                a = a * tl.load(gate + k + ks)[None, :]
        else:
            a = tl.load(a_at + k, mask=k + ks[None, :] < K, other=0.0)
            if GATED:
                a = a * tl.load(gate + k + ks, mask=k + ks < K, other=0.0)[None, :]
        b = tl.load(b_at + k * COLUMNS)
        total = tl.dot(a, b, total, input_precision="ieee")
    total += tl.load(bias + columns)[None, :]
    if SIDE == 0:
        _store(total, rows, columns, residual, out, P, N, ACTIVATION, RESIDUAL)
    else:
        first = tl.cdiv(N, BN)  # the first tile for side
        if tile < first:
            _store(total, rows, columns, residual, out, P, N, ACTIVATION, RESIDUAL)
        else:
            _store(total, rows, columns - first * BN, residual, side, P, SIDE, 0, False)


@triton.jit
def _store(
    total: tl.tensor,
    rows: tl.tensor,
    columns: tl.tensor,
    residual: tl.tensor,
    out: tl.tensor,
    P: tl.constexpr,
    N: tl.constexpr,
    ACTIVATION: tl.constexpr,
    RESIDUAL: tl.constexpr,
) -> None:
    at = rows[:, None] * N + columns[None, :]
    fits = (rows[:, None] < P) & (columns[None, :] < N)
    answer = activate(total, ACTIVATION)
    if RESIDUAL:
        answer += tl.load(residual + at, mask=fits, other=0.0).to(tl.float32)
    tl.store(out + at, answer.to(out.dtype.element_ty), mask=fits)


@dataclass(frozen=True)
class Tile:
    """Pixels, columns and channels that one program of a product takes at a time."""

    pixels: int
    columns: int
    channels: int
    warps: int
    stages: int = 3


def choose_tile(pixels: int, channels: int, columns: int) -> Tile:
    """By shapes alone, as the order of sums follows; the fastest on an H200 of those that were tried there.

    Narrow answers of large maps are bound by memory, long sums over few pixels by the wait for loads: small tiles make
    more programs, and more steps in flight hide more of it.
    """
    wide = power_of_two(columns)
    if columns <= 32 and pixels >= 1 << 14:
        return Tile(128, wide, min(32, power_of_two(channels)), 4)
    if channels >= 1024 and pixels <= 512:
        return Tile(32, 16, 128, 2, 4)
    if channels >= 80 and ceil_div(pixels, 64) * ceil_div(columns, 64) >= 100:
        return Tile(64, min(64, wide), 32, 4, 5)
    return Tile(64, min(32, wide), min(64, power_of_two(channels)), 4, 4)


def product_launch(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    out: Tensor,
    activation: int,
    *,
    gate: Tensor | None = None,
    residual: Tensor | None = None,
    side: tuple[Tensor, Tensor, Tensor | None] | None = None,
    coarse: bool = False,
) -> Launch:
    """``out`` (P, N) = activation(``x`` (P, K) * ``gate`` (K,) by ``weight`` (N', K) + ``bias``) + ``residual``.

    Columns of ``out`` beyond N' become the activation of zero. ``side`` is another map (P, S) of the same ``x``, its
    weight and bias.
    """
    pixels, channels = x.shape
    matrices, biases, columns = [weight], [bias], out.shape[1]
    if side is not None:
        matrices.append(side[1])
        biases.append(side[2])
        columns += side[0].shape[1]
    tile = choose_tile(pixels, channels, columns)
    if coarse:
        bm, bn, bk = (min(1024, power_of_two(size)) for size in (pixels, out.shape[1], channels))
        tile = Tile(bm, bn, bk, 4)
    widths = [round_up(target.shape[1], tile.columns) for target in (out, *([] if side is None else [side[0]]))]
    depth = round_up(channels, tile.channels)
    packed = torch.cat([padded(m.t(), (depth, width)) for m, width in zip(matrices, widths, strict=True)], 1)
    shifts = [
        x.new_zeros(width, dtype=torch.float32) if b is None else padded(b.float(), (width,))
        for b, width in zip(biases, widths, strict=True)
    ]
    return Launch(
        product,
        (sum(widths) // tile.columns, ceil_div(pixels, tile.pixels)),
        (
            x, packed.to(x.dtype).contiguous(), torch.cat(shifts), x if gate is None else gate,
            x if residual is None else residual, out, out if side is None else side[0],
        ),
        {
            "P": pixels, "K": channels, "N": out.shape[1], "SIDE": 0 if side is None else side[0].shape[1],
            "COLUMNS": sum(widths), "ACTIVATION": activation, "GATED": gate is not None,
            "RESIDUAL": residual is not None, "BM": tile.pixels, "BN": tile.columns, "BK": tile.channels,
        },
        tile.warps,
        tile.stages,
    )  # fmt: skip
