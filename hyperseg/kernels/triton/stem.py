"""The first convolution, from the image's planes to a map with channels last, as one product a tile."""

import torch
import triton
import triton.language as tl
from torch import Tensor

from hyperseg.kernels.triton.activations import activate
from hyperseg.kernels.triton.early import await_previous
from hyperseg.kernels.triton.launch import Launch, ceil_div, padded, power_of_two

_PIXELS = 128  # of one program


@triton.jit
def stem(
    image: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    scale: tl.tensor,
    shift: tl.tensor,
    out: tl.tensor,
    H: tl.constexpr,
    W: tl.constexpr,
    OH: tl.constexpr,
    OW: tl.constexpr,
    N: tl.constexpr,
    SIZE: tl.constexpr,
    STRIDE: tl.constexpr,
    BEFORE: tl.constexpr,
    RENORMALIZE: tl.constexpr,
    ACTIVATION: tl.constexpr,
    BM: tl.constexpr,
    BN: tl.constexpr,
    BK: tl.constexpr,
    EARLY: tl.constexpr,
) -> None:
    """image (3, H, W) to out (OH, OW, N); weight (BK, BN) has a row for each channel and tap, then rows of zeros."""
    await_previous(EARLY)
    pixels = tl.program_id(0) * BM + tl.arange(0, BM)
    columns = tl.arange(0, BN)
    ks = tl.arange(0, BK)
    channel, tap = ks // (SIZE * SIZE), ks % (SIZE * SIZE)
    y = (pixels // OW * STRIDE - BEFORE)[:, None] + (tap // SIZE)[None, :]
    z = (pixels % OW * STRIDE - BEFORE)[:, None] + (tap % SIZE)[None, :]
    inside = (y >= 0) & (y < H) & (z >= 0) & (z < W) & (channel[None, :] < 3) & (pixels[:, None] < OH * OW)
    value = tl.load(image + channel[None, :] * (H * W) + y * W + z, mask=inside, other=0.0)
    if RENORMALIZE:
        value = value * tl.load(scale + channel)[None, :] + tl.load(shift + channel)[None, :]
        value = tl.where(inside, value, 0.0).to(image.dtype.element_ty)
    matrix = tl.load(weight + ks[:, None] * BN + columns[None, :])
    total = tl.dot(value, matrix, input_precision="ieee") + tl.load(bias + columns)[None, :]
    total = activate(total, ACTIVATION).to(out.dtype.element_ty)
    fits = (pixels[:, None] < OH * OW) & (columns[None, :] < N)
    tl.store(out + pixels[:, None] * N + columns[None, :], total, mask=fits)


def stem_launch(
    image: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: int,
    before: int,
    activation: int,
    renormalize: tuple[Tensor, Tensor] | None = None,
) -> tuple[Launch, Tensor]:
    """The call and its answer (OH * OW, N) for ``image`` (3, H, W) and ``weight`` (N, 3, k, k).

    ``renormalize``, factors and shifts of the three channels, acts on the image before it is padded with zeros.
    """
    (_, height, width), (outputs, _, _, kernel) = image.shape, weight.shape
    oh, ow = ceil_div(height, stride), ceil_div(width, stride)
    depth, columns = power_of_two(3 * kernel * kernel), power_of_two(outputs)
    matrix = padded(weight.reshape(outputs, -1).t(), (depth, columns)).to(image.dtype)
    shift = image.new_zeros(columns, dtype=torch.float32) if bias is None else padded(bias.float(), (columns,))
    # The channel of a row of zeros has a factor and a shift to load too.
    rows = ceil_div(depth, kernel * kernel)
    normalize = [padded(t.float().flatten(), (rows,)) for t in renormalize] if renormalize else [shift, shift]
    out = image.new_empty(oh * ow, outputs)
    launch = Launch(
        stem,
        (ceil_div(oh * ow, _PIXELS),),
        (image, matrix, shift, *normalize, out),
        {
            "H": height, "W": width, "OH": oh, "OW": ow, "N": outputs, "SIZE": kernel, "STRIDE": stride,
            "BEFORE": before, "RENORMALIZE": renormalize is not None, "ACTIVATION": activation,
            "BM": _PIXELS, "BN": columns, "BK": depth,
        },
    )  # fmt: skip
    return launch, out
