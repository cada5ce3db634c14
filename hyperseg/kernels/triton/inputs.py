"""What a level's kernels read beside the skip: coordinates, and the previous level's output, upsampled on loading."""

import triton
import triton.language as tl


@triton.jit
def coordinate(position: tl.tensor, SIZE: tl.constexpr) -> tl.tensor:
    """-1 to 1 inclusive along SIZE pixels."""
    return position.to(tl.float32) * (2.0 / (SIZE - 1) if SIZE > 1 else 0.0) - 1.0


@triton.jit
def upsampled(
    previous: tl.tensor,
    y: tl.tensor,
    x: tl.tensor,
    channels: tl.tensor,
    H: tl.constexpr,  # of the map twice as large, in which y and x lie
    W: tl.constexpr,
    C: tl.constexpr,
    MASKED: tl.constexpr,  # whether some of the channels are beyond C
) -> tl.tensor:
    """Bilinear interpolation of ``previous`` (H / 2, W / 2, C) at pixels y, x (B,): (B, channels), float32."""
    y1, x1 = (y + 1) // 2, (x + 1) // 2
    fy = tl.where(y % 2 == 0, 0.75, 0.25)[:, None]
    fx = tl.where(x % 2 == 0, 0.75, 0.25)[:, None]
    top = tl.maximum(y1 - 1, 0) * (W // 2)
    bottom = tl.minimum(y1, H // 2 - 1) * (W // 2)
    left, right = tl.maximum(x1 - 1, 0), tl.minimum(x1, W // 2 - 1)
    a = load_rows(previous, top + left, channels, C, MASKED).to(tl.float32)
    b = load_rows(previous, top + right, channels, C, MASKED).to(tl.float32)
    c = load_rows(previous, bottom + left, channels, C, MASKED).to(tl.float32)
    d = load_rows(previous, bottom + right, channels, C, MASKED).to(tl.float32)
    upper = a + (b - a) * fx
    lower = c + (d - c) * fx
    return upper + (lower - upper) * fy


@triton.jit
def load_rows(
    source: tl.tensor, rows: tl.tensor, channels: tl.tensor, C: tl.constexpr, MASKED: tl.constexpr
) -> tl.tensor:
    """(B, channels) of ``source`` (rows, C)."""
    at = source + rows[:, None] * C + channels[None, :]
    return tl.load(at, mask=channels[None, :] < C, other=0.0) if MASKED else tl.load(at)
