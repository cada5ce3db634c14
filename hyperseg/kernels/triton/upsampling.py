"""The last step, from planes of logits to the image's size or to classes; a pixel of the planes a lane."""

import torch
import triton
import triton.language as tl
from torch import Tensor

from hyperseg.kernels.triton.early import await_previous
from hyperseg.kernels.triton.launch import Launch, ceil_div, power_of_two

_PIXELS = 256  # of one program
_COARSE = 1 << 15  # the same in Triton's interpreter
_SOURCES, _WARPS = 128, 1  # pixels of the planes, four answers each, of one program
_PLANES = 2  # of one program that writes logits


@triton.jit
def halfway(a: tl.tensor, b: tl.tensor, part: tl.constexpr) -> tl.tensor:
    return a + (b - a) * part


@triton.jit
def quads(
    plane: tl.tensor, y: tl.tensor, x: tl.tensor, there: tl.tensor, H: tl.constexpr, W: tl.constexpr
) -> tuple[tl.tensor, tl.tensor, tl.tensor, tl.tensor]:
    """The four pixels, in row order, that bilinear interpolation makes of pixel y, x of a plane (H, W): float32.

    They share nine pixels of the plane; horizontally first, as PyTorch does.
    """
    top, middle, bottom = tl.maximum(y - 1, 0) * W, y * W, tl.minimum(y + 1, H - 1) * W
    left, right = tl.maximum(x - 1, 0), tl.minimum(x + 1, W - 1)
    a = tl.load(plane + top + left, mask=there, other=0.0).to(tl.float32)
    b = tl.load(plane + top + x, mask=there, other=0.0).to(tl.float32)
    c = tl.load(plane + top + right, mask=there, other=0.0).to(tl.float32)
    d = tl.load(plane + middle + left, mask=there, other=0.0).to(tl.float32)
    e = tl.load(plane + middle + x, mask=there, other=0.0).to(tl.float32)
    f = tl.load(plane + middle + right, mask=there, other=0.0).to(tl.float32)
    g = tl.load(plane + bottom + left, mask=there, other=0.0).to(tl.float32)
    h = tl.load(plane + bottom + x, mask=there, other=0.0).to(tl.float32)
    i = tl.load(plane + bottom + right, mask=there, other=0.0).to(tl.float32)
    even, odd = halfway(d, e, 0.75), halfway(e, f, 0.25)
    return (
        halfway(halfway(a, b, 0.75), even, 0.75),
        halfway(halfway(b, c, 0.25), odd, 0.75),
        halfway(even, halfway(g, h, 0.75), 0.25),
        halfway(odd, halfway(h, i, 0.25), 0.25),
    )


@triton.jit
def upsample(
    planes: tl.tensor,
    out: tl.tensor,
    H: tl.constexpr,
    W: tl.constexpr,
    PLANES: tl.constexpr,
    EACH: tl.constexpr,  # planes of one program; the last one may repeat the last plane
    BM: tl.constexpr,
    EARLY: tl.constexpr,
) -> None:
    """planes (PLANES, H, W) to out (PLANES, 2 H, 2 W)."""
    await_previous(EARLY)
    y = tl.program_id(1)
    x = tl.program_id(0) * BM + tl.arange(0, BM)
    there = x < W
    across = 2 * tl.program_id(0) * BM + tl.arange(0, 2 * BM)
    for index in range(EACH):
        plane = tl.minimum(tl.program_id(2) * EACH + index, PLANES - 1)
        a, b, c, d = quads(planes + plane * (H * W), y, x, there, H, W)
        at = out + plane * (4 * H * W) + 2 * y * (2 * W) + across
        tl.store(at, tl.interleave(a, b).to(out.dtype.element_ty), mask=across < 2 * W)
        tl.store(at + 2 * W, tl.interleave(c, d).to(out.dtype.element_ty), mask=across < 2 * W)


@triton.jit
def classify(
    planes: tl.tensor,
    out: tl.tensor,
    H: tl.constexpr,
    W: tl.constexpr,
    PLANES: tl.constexpr,
    BM: tl.constexpr,
    EARLY: tl.constexpr,
) -> None:
    """planes (PLANES, H, W) to the class of the largest logit of each pixel, the first of several: int64 (H, W)."""
    await_previous(EARLY)
    pixels = tl.program_id(0) * BM + tl.arange(0, BM)
    there = pixels < H * W
    best = tl.load(planes + pixels, mask=there, other=0.0)
    index = tl.zeros((BM,), tl.int32)
    for plane in range(1, PLANES):
        value = tl.load(planes + plane * (H * W) + pixels, mask=there, other=0.0)
        index = tl.where(value > best, plane, index)
        best = tl.maximum(value, best)
    tl.store(out + pixels, index.to(tl.int64), mask=there)


@triton.jit
def classify_twice_as_large(
    planes: tl.tensor,
    out: tl.tensor,
    H: tl.constexpr,
    W: tl.constexpr,
    PLANES: tl.constexpr,
    BM: tl.constexpr,
    EARLY: tl.constexpr,
) -> None:
    """The same of the planes upsampled: planes (PLANES, H, W) to int64 (2 H, 2 W)."""
    await_previous(EARLY)
    y = tl.program_id(1)
    x = tl.program_id(0) * BM + tl.arange(0, BM)
    there = x < W
    a, b, c, d = quads(planes, y, x, there, H, W)
    none = tl.zeros((BM,), tl.int32)
    index_a, index_b, index_c, index_d = none, none, none, none
    for plane in range(1, PLANES):
        e, f, g, h = quads(planes + plane * (H * W), y, x, there, H, W)
        index_a, index_b = tl.where(e > a, plane, index_a), tl.where(f > b, plane, index_b)
        index_c, index_d = tl.where(g > c, plane, index_c), tl.where(h > d, plane, index_d)
        a, b, c, d = tl.maximum(e, a), tl.maximum(f, b), tl.maximum(g, c), tl.maximum(h, d)
    across = 2 * tl.program_id(0) * BM + tl.arange(0, 2 * BM)
    at = out + 2 * y * (2 * W) + across
    tl.store(at, tl.interleave(index_a, index_b).to(tl.int64), mask=across < 2 * W)
    tl.store(at + 2 * W, tl.interleave(index_c, index_d).to(tl.int64), mask=across < 2 * W)


def upsample_launch(planes: Tensor, size: tuple[int, int], coarse: bool = False) -> tuple[Launch, Tensor]:
    """The call and the logits (PLANES, 2 H, 2 W) of ``planes`` (PLANES, H * W) of ``size`` (H, W)."""
    (height, width), count = size, planes.shape[0]
    out = planes.new_empty(count, 2 * height, 2 * width)
    pixels = min(_SOURCES, power_of_two(width))
    each = count if coarse else _PLANES
    grid = (ceil_div(width, pixels), height, ceil_div(count, each))
    constants = {"H": height, "W": width, "PLANES": count, "EACH": each, "BM": pixels}
    return Launch(upsample, grid, (planes, out), constants, _WARPS), out


def classify_launch(planes: Tensor, size: tuple[int, int], scale: int, coarse: bool = False) -> tuple[Launch, Tensor]:
    """The call and the classes (scale * H, scale * W), int64, of ``planes`` (PLANES, H * W) of ``size`` (H, W).

    ``scale`` is 1 or 2.
    """
    height, width = size
    out = planes.new_empty(scale * height, scale * width, dtype=torch.int64)
    constants = {"H": height, "W": width, "PLANES": planes.shape[0]}
    if scale == 1:
        pixels = _COARSE if coarse else _PIXELS
        return Launch(classify, (ceil_div(out.numel(), pixels),), (planes, out), constants | {"BM": pixels}), out
    pixels = min(_SOURCES, power_of_two(width))
    grid = (ceil_div(width, pixels), height)
    return Launch(classify_twice_as_large, grid, (planes, out), constants | {"BM": pixels}, _WARPS), out
