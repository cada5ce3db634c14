"""The last step, from planes of logits: to the image's size, and to classes; one pixel a lane, class after class."""

import torch
import triton
import triton.language as tl
from torch import Tensor

from hyperseg.kernels.triton.launch import Launch, ceil_div

_PIXELS = 256  # of one program
_COARSE = 1 << 15  # the same in Triton's interpreter
_PLANES = 4  # of one program that writes logits


@triton.jit
def interpolated(
    planes: tl.tensor,
    y: tl.tensor,
    x: tl.tensor,
    there: tl.tensor,
    H: tl.constexpr,
    W: tl.constexpr,
    SCALE: tl.constexpr,
) -> tl.tensor:
    """Bilinear interpolation of one plane (H, W), twice as large with a SCALE of 2, at pixels y, x: float32."""
    if SCALE == 1:
        value = tl.load(planes + y * W + x, mask=there, other=0.0).to(tl.float32)
    else:
        y1, x1 = (y + 1) // 2, (x + 1) // 2
        top, bottom = tl.maximum(y1 - 1, 0) * W, tl.minimum(y1, H - 1) * W
        left, right = tl.maximum(x1 - 1, 0), tl.minimum(x1, W - 1)
        fy, fx = tl.where(y % 2 == 0, 0.75, 0.25), tl.where(x % 2 == 0, 0.75, 0.25)
        a = tl.load(planes + top + left, mask=there, other=0.0).to(tl.float32)
        b = tl.load(planes + top + right, mask=there, other=0.0).to(tl.float32)
        c = tl.load(planes + bottom + left, mask=there, other=0.0).to(tl.float32)
        d = tl.load(planes + bottom + right, mask=there, other=0.0).to(tl.float32)
        upper = a + (b - a) * fx
        value = upper + (c + (d - c) * fx - upper) * fy
    return value


@triton.jit
def upsample(
    planes: tl.tensor,
    out: tl.tensor,
    H: tl.constexpr,
    W: tl.constexpr,
    PLANES: tl.constexpr,
    EACH: tl.constexpr,  # planes of one program; the last one may repeat the last plane
    BM: tl.constexpr,
) -> None:
    """planes (PLANES, H, W) to out (PLANES, 2 H, 2 W)."""
    pixels = tl.program_id(0) * BM + tl.arange(0, BM)
    there = pixels < 4 * H * W
    y, x = pixels // (2 * W), pixels % (2 * W)
    for index in range(EACH):
        plane = tl.minimum(tl.program_id(1) * EACH + index, PLANES - 1)
        value = interpolated(planes + plane * (H * W), y, x, there, H, W, 2)
        tl.store(out + plane * (4 * H * W) + pixels, value.to(out.dtype.element_ty), mask=there)


@triton.jit
def classify(
    planes: tl.tensor,
    out: tl.tensor,
    H: tl.constexpr,
    W: tl.constexpr,
    SCALE: tl.constexpr,
    PLANES: tl.constexpr,
    BM: tl.constexpr,
) -> None:
    """planes (PLANES, H, W) to the class of the largest logit of each pixel, the first of several, int64."""
    pixels = tl.program_id(0) * BM + tl.arange(0, BM)
    there = pixels < SCALE * SCALE * H * W
    y, x = pixels // (SCALE * W), pixels % (SCALE * W)
    best = interpolated(planes, y, x, there, H, W, SCALE)
    index = tl.zeros((BM,), tl.int64)
    for plane in range(1, PLANES):
        value = interpolated(planes + plane * (H * W), y, x, there, H, W, SCALE)
        index = tl.where(value > best, plane, index)
        best = tl.maximum(value, best)
    tl.store(out + pixels, index, mask=there)


def upsample_launch(planes: Tensor, size: tuple[int, int], coarse: bool = False) -> tuple[Launch, Tensor]:
    """The call and the logits (PLANES, 2 H, 2 W) of ``planes`` (PLANES, H * W) of ``size`` (H, W)."""
    (height, width), count = size, planes.shape[0]
    out = planes.new_empty(count, 2 * height, 2 * width)
    pixels = _COARSE if coarse else _PIXELS
    grid = (ceil_div(4 * height * width, pixels), ceil_div(count, _PLANES))
    constants = {"H": height, "W": width, "PLANES": count, "EACH": _PLANES, "BM": pixels}
    return Launch(upsample, grid, (planes, out), constants), out


def classify_launch(planes: Tensor, size: tuple[int, int], scale: int, coarse: bool = False) -> tuple[Launch, Tensor]:
    """The call and the classes (scale * H, scale * W), int64, of ``planes`` (PLANES, H * W) of ``size`` (H, W)."""
    height, width = size
    out = planes.new_empty(scale * height, scale * width, dtype=torch.int64)
    pixels = _COARSE if coarse else _PIXELS
    constants = {"H": height, "W": width, "SCALE": scale, "PLANES": planes.shape[0], "BM": pixels}
    return Launch(classify, (ceil_div(out.numel(), pixels),), (planes, out), constants), out
