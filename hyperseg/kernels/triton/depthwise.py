"""Depthwise convolution with bias and activation, and the sums that the squeeze-excitation after it begins with."""

from dataclasses import dataclass

import torch
import triton
import triton.language as tl
from torch import Tensor

from hyperseg.kernels.triton.activations import activate
from hyperseg.kernels.triton.early import await_previous
from hyperseg.kernels.triton.launch import FULL, Launch, ceil_div, power_of_two

_FEW = 3 * FULL  # programs, three for each multiprocessor
_AT_ONCE, _AT_ONCE_OF_ONE = 6 * FULL, 8 * FULL  # programs on the GPU at a time, by their registers; of one tile each
_REGISTERS = 80  # with which that many fit; 5x5 kernels need more


@dataclass(frozen=True)
class Window:
    """Rows, columns and channels of the answer that one program of a depthwise convolution computes at a time."""

    rows: int
    columns: int
    channels: int
    warps: int
    tiles: int  # of one program, one after the other
    stages: int  # rows of taps whose loads are on the way together
    registers: int = 0  # of a thread at most, 0: no bound


def choose_window(size: tuple[int, int], channels: int, kernel: int, stride: int) -> Window:
    """By shapes alone, as the order of sums follows; ``size`` is the answer's. The fastest on an H200 of those tried.

    Few programs leave an H200 waiting for loads, so that several rows of taps are loaded at once; many programs hide
    the wait themselves, and the shared memory that this takes would only leave room for fewer of them. Where there are
    more tiles than programs run at a time, a program takes several, so that all programs start together: of 864 where
    792 fit, the last 72 take as long again. Fewer programs also leave fewer partial sums to the next kernel.
    """
    block = next(b for b in (32, 16, 8, 4, 2, 1) if channels % b == 0)
    rows, columns = {32: (8, 8), 16: (8, 16)}.get(block, (16, 16))
    blocks, places = channels // block, ceil_div(size[0], rows) * ceil_div(size[1], columns)
    total = blocks * places
    tiles = 1 if total <= _AT_ONCE_OF_ONE else ceil_div(places, max(1, _AT_ONCE // blocks))
    registers = _REGISTERS if tiles > 1 and kernel == 3 else 0
    return Window(rows, columns, block, 4, tiles, min(kernel, 3) if total <= _FEW else 1, registers)


@triton.jit
def depthwise(
    x: tl.tensor,
    taps: tl.tensor,
    bias: tl.tensor,
    out: tl.tensor,
    sums: tl.tensor,
    H: tl.constexpr,
    W: tl.constexpr,
    C: tl.constexpr,
    OH: tl.constexpr,
    OW: tl.constexpr,
    SIZE: tl.constexpr,  # of the kernel
    STRIDE: tl.constexpr,
    BEFORE: tl.constexpr,  # lines padded before the map
    ACTIVATION: tl.constexpr,
    TILES: tl.constexpr,  # of one program, one after the other
    TH: tl.constexpr,
    TW: tl.constexpr,
    BC: tl.constexpr,
    STAGES: tl.constexpr,
    EARLY: tl.constexpr,
) -> None:
    """Channels last: x (H, W, C) to out (OH, OW, C); sums (parts, C) are over each part's pixels, before rounding."""
    await_previous(EARLY)
    channels = tl.program_id(0) * BC + tl.arange(0, BC)
    pixels = tl.arange(0, TH * TW)
    there = channels < C
    shift = tl.load(bias + channels, mask=there, other=0.0)
    collected = tl.zeros((BC,), tl.float32)
    for index in range(TILES):
        tile = tl.program_id(1) * TILES + index
        row = tile // tl.cdiv(OW, TW) * TH + pixels // TW
        column = tile % tl.cdiv(OW, TW) * TW + pixels % TW
        total = tl.zeros((TH * TW, BC), tl.float32) + shift[None, :]
        # A loop over the rows: all taps one after the other are more code than an instruction cache holds, and
        # fetching it took most of the time of a small map.
        for line in tl.range(SIZE, num_stages=STAGES):
            y = row * STRIDE + (line - BEFORE)
            for tap in tl.static_range(SIZE):
                z = column * STRIDE + (tap - BEFORE)
                inside = (y >= 0) & (y < H) & (z >= 0) & (z < W)
                at = (y * W + z)[:, None] * C + channels[None, :]
                value = tl.load(x + at, mask=inside[:, None] & there[None, :], other=0.0)
                weight = tl.load(taps + (line * SIZE + tap) * C + channels, mask=there, other=0.0)
                total += value.to(tl.float32) * weight[None, :]
        total = activate(total, ACTIVATION)
        fits = (row < OH) & (column < OW)
        at = (row * OW + column)[:, None] * C + channels[None, :]
        tl.store(out + at, total.to(out.dtype.element_ty), mask=fits[:, None] & there[None, :])
        collected += tl.sum(tl.where(fits[:, None], total, 0.0), 0)
    tl.store(sums + tl.program_id(1) * C + channels, collected, mask=there)


def depthwise_launch(
    x: Tensor,
    size: tuple[int, int],
    weight: Tensor,
    bias: Tensor | None,
    stride: int,
    before: int,
    activation: int,
    coarse: bool = False,
) -> tuple[Launch, Tensor, Tensor]:
    """The call, its answer and the partial sums, float32, for ``x`` (H * W, C) of ``size`` (H, W).

    ``weight`` (C, 1, k, k) of an odd k; the answer has ceil(H / stride) x ceil(W / stride) pixels. ``coarse`` takes the
    whole map in one program, which Triton's interpreter runs much sooner than many.
    """
    (height, width), channels, kernel = size, x.shape[1], weight.shape[-1]
    oh, ow = ceil_div(height, stride), ceil_div(width, stride)
    window = choose_window((oh, ow), channels, kernel, stride)
    if coarse:
        window = Window(power_of_two(oh, 1), power_of_two(ow, 1), power_of_two(channels), 4, 1, 1)
    th, tw, block = window.rows, window.columns, window.channels
    tiles = ceil_div(oh, th) * ceil_div(ow, tw)
    each = min(tiles, window.tiles)
    parts = ceil_div(tiles, each)
    out = x.new_empty(oh * ow, channels)
    sums = x.new_empty(parts, channels, dtype=torch.float32)
    taps = weight.float().reshape(channels, kernel * kernel).t().contiguous()
    shift = x.new_zeros(channels, dtype=torch.float32) if bias is None else bias.float().contiguous()
    launch = Launch(
        depthwise,
        (ceil_div(channels, block), parts),
        (x, taps, shift, out, sums),
        {
            "H": height, "W": width, "C": channels, "OH": oh, "OW": ow, "SIZE": kernel, "STRIDE": stride,
            "BEFORE": before, "ACTIVATION": activation, "TILES": each, "TH": th, "TW": tw, "BC": block,
            "STAGES": window.stages,
        },
        window.warps,
        registers=window.registers,
    )  # fmt: skip
    return launch, out, sums
