"""Decoder levels of inverted residual blocks in two kernels, as Triton's registers know no neighbour.

The first expands: it writes the hidden values. In the later form a cell computes its halo with its own weights, so
hidden values lie patch by patch, halo included; in the VOC form they lie as a map, and a halo is the neighbours'. The
second convolves depthwise and projects. Hidden values lie in groups of 16 channels, as the second kernel reads them, so
that a tap's pixels fill whole lines of the caches. Between the two they stay in the second-level cache, where they fit.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from hyperseg.errors import UserError
from hyperseg.kernels.triton.early import await_previous
from hyperseg.kernels.triton.inputs import coordinate, load_rows, upsampled
from hyperseg.kernels.triton.launch import Launch, ceil_div, padded, power_of_two
from hyperseg.kernels.triton.rows import VECTOR, LevelRow

_EXPAND_PIXELS, _EXPAND_WARPS = 64, 2  # of one program
_COARSE = 1 << 12  # pixels of a program in Triton's interpreter


@triton.jit
def reflect(position: tl.tensor, SIZE: tl.constexpr) -> tl.tensor:
    position = tl.where(position < 0, -position, position)
    return tl.where(position >= SIZE, 2 * SIZE - 2 - position, position)


@triton.jit
def expand_level(
    skip: tl.tensor,
    previous: tl.tensor,
    cells: tl.tensor,
    shift: tl.tensor,
    hidden: tl.tensor,
    H: tl.constexpr,
    W: tl.constexpr,
    GRID_W: tl.constexpr,  # cells in a row
    PH: tl.constexpr,  # patch
    PW: tl.constexpr,
    HALO: tl.constexpr,  # 1: hidden (cells, N / BN, PH + 2, PW + 2, BN); 0: hidden (N / BN, H, W, BN)
    ROW: tl.constexpr,
    AT_MATRIX: tl.constexpr,
    AT_POINTS: tl.constexpr,
    POINTS: tl.constexpr,  # 2; with the image as skip, 5
    S: tl.constexpr,  # channels of the skip, 0 where it is the image (3, H, W)
    B: tl.constexpr,  # channels of the level before
    N: tl.constexpr,
    BM: tl.constexpr,
    BS: tl.constexpr,
    BB: tl.constexpr,
    BN: tl.constexpr,
    EARLY: tl.constexpr,
) -> None:
    """Coordinates, skip and previous (H / 2, W / 2, B), upsampled, to relu6 of the hidden values."""
    await_previous(EARLY)
    cell = tl.program_id(1)
    pixels = tl.program_id(0) * BM + tl.arange(0, BM)
    inside = tl.minimum(pixels, (PH + 2 * HALO) * (PW + 2 * HALO) - 1)
    y = reflect(cell // GRID_W * PH + inside // (PW + 2 * HALO) - HALO, H)
    x = reflect(cell % GRID_W * PW + inside % (PW + 2 * HALO) - HALO, W)
    PLACES: tl.constexpr = (PH + 2) * (PW + 2) if HALO else H * W
    place = cell * (PLACES * N) + inside * BN if HALO else (y * W + x) * BN
    fits = (pixels < (PH + 2 * HALO) * (PW + 2 * HALO))[:, None]
    across, down = coordinate(x, W), coordinate(y, H)
    bs, columns = tl.arange(0, BB), tl.arange(0, BN)
    below = upsampled(previous, y, x, bs, H, W, B, BB != B).to(cells.dtype.element_ty)
    weights = cells + cell * ROW
    points = weights + AT_POINTS + columns
    matrix = weights + AT_MATRIX + columns[None, :] * (S + B)
    if S > 0:
        ks = tl.arange(0, BS)
        side = load_rows(skip, y * W + x, ks, S, BS != S)
    else:
        red = tl.load(skip + y * W + x).to(tl.float32)
        green = tl.load(skip + H * W + y * W + x).to(tl.float32)
        blue = tl.load(skip + 2 * H * W + y * W + x).to(tl.float32)
    for n in tl.static_range(0, N, BN):
        total = across[:, None] * tl.load(points + n)[None, :] + down[:, None] * tl.load(points + N + n)[None, :]
        total += tl.load(shift + n + columns)[None, :]
        if S > 0:
            if BS == S:
                b = tl.load(matrix + n * (S + B) + ks[:, None])
            else:
                b = tl.load(matrix + n * (S + B) + ks[:, None], mask=ks[:, None] < S, other=0.0)
            total = tl.dot(side, b, total, input_precision="ieee")
        else:
            total += red[:, None] * tl.load(points + 2 * N + n)[None, :]
            total += green[:, None] * tl.load(points + 3 * N + n)[None, :]
            total += blue[:, None] * tl.load(points + 4 * N + n)[None, :]
        if BB == B:
            b = tl.load(matrix + n * (S + B) + S + bs[:, None])
        else:
            b = tl.load(matrix + n * (S + B) + S + bs[:, None], mask=bs[:, None] < B, other=0.0)
        total = tl.dot(below, b, total, input_precision="ieee")
        total = tl.minimum(tl.maximum(total, 0.0), 6.0)
        at = hidden + n * PLACES + place[:, None] + columns[None, :]
        tl.store(at, total.to(hidden.dtype.element_ty), mask=fits)


@triton.jit
def finish_level(
    hidden: tl.tensor,
    cells: tl.tensor,
    shift: tl.tensor,
    last_shift: tl.tensor,
    out: tl.tensor,
    H: tl.constexpr,
    W: tl.constexpr,
    GRID_W: tl.constexpr,
    PH: tl.constexpr,
    PW: tl.constexpr,
    HALO: tl.constexpr,
    ROW: tl.constexpr,
    AT_TAPS: tl.constexpr,
    AT_PROJECTION: tl.constexpr,
    N: tl.constexpr,  # hidden channels
    OUTPUTS: tl.constexpr,  # of the projection, padded
    PLANES: tl.constexpr,  # planes of out (PLANES, H, W); 0: out (H, W, OUTPUTS)
    BM: tl.constexpr,
    BN: tl.constexpr,
    BO: tl.constexpr,
    STAGES: tl.constexpr,
    EARLY: tl.constexpr,
) -> None:
    """Hidden values, depthwise 3x3 and relu6, to out by the projection."""
    await_previous(EARLY)
    cell = tl.program_id(1)
    pixels = tl.program_id(0) * BM + tl.arange(0, BM)
    inside = tl.minimum(pixels, PH * PW - 1)
    i, j = inside // PW, inside % PW
    y, x = cell // GRID_W * PH + i, cell % GRID_W * PW + j
    columns, outputs = tl.arange(0, BN), tl.arange(0, BO)
    there = outputs < OUTPUTS
    weights = cells + cell * ROW
    PLACES: tl.constexpr = (PH + 2) * (PW + 2) if HALO else H * W
    first = cell * (PLACES * N) if HALO else 0
    total = tl.zeros((BM, BO), tl.float32) + tl.load(last_shift + outputs, mask=there, other=0.0)[None, :]
    for n in range(0, N, BN):
        mixed = tl.zeros((BM, BN), tl.float32) + tl.load(shift + n + columns)[None, :]
        # A loop, so that the compiler brings the sum into the layout of the product, and not each of its nine terms.
        for line in tl.range(3, num_stages=STAGES):
            for tap in tl.static_range(3):
                if HALO:
                    place = (i + line) * (PW + 2) + j + tap
                else:
                    place = reflect(y + (line - 1), H) * W + reflect(x + (tap - 1), W)
                at = hidden + first + n * PLACES + place[:, None] * BN + columns[None, :]
                weight = tl.load(weights + AT_TAPS + (line * 3 + tap) * N + n + columns)
                mixed += tl.load(at).to(tl.float32) * weight.to(tl.float32)[None, :]
        mixed = tl.minimum(tl.maximum(mixed, 0.0), 6.0).to(cells.dtype.element_ty)
        b_at = weights + AT_PROJECTION + outputs[None, :] * N + n + columns[:, None]
        total = tl.dot(mixed, tl.load(b_at, mask=there[None, :], other=0.0), total, input_precision="ieee")
    answer = total.to(out.dtype.element_ty)
    fits = (pixels < PH * PW)[:, None]
    if PLANES > 0:
        at = out + outputs[None, :] * (H * W) + (y * W + x)[:, None]
        tl.store(at, answer, mask=fits & (outputs < PLANES)[None, :])
    else:
        tl.store(out + (y * W + x)[:, None] * OUTPUTS + outputs[None, :], answer, mask=fits & there[None, :])


def block_launches(
    row: LevelRow,
    cells: Tensor,
    grid: tuple[int, int],
    skip: Tensor,
    previous: Tensor,
    shifts: list[Tensor],
    planes: int,
    coarse: bool = False,
) -> tuple[list[Launch], Tensor]:
    """Both calls and the level's output, (H * W, outputs) or, for ``planes`` classes, (planes, H * W).

    ``skip`` is (H * W, S), or the image (3, H, W); ``previous`` (H * W / 4, B); ``shifts`` are what is left of the
    level's three batch norms. Raises :class:`UserError` for a level with a residual sum, which no published one has.
    """
    if row.shape.inputs == row.shape.outputs:
        raise UserError(
            f"engine triton has no kernel for a level of {row.shape.inputs} inputs and as many outputs; "
            "choose another engine"
        )
    count = grid[0] * grid[1]
    area = 4 * previous.shape[0] // count
    patch, halo = int(area**0.5), int(row.shape.kind == "block")
    height, width = grid[0] * patch, grid[1] * patch
    ring = patch + 2 * halo
    hidden = previous.new_empty(count * ring * ring, row.middle)
    out = previous.new_empty((planes, height * width) if planes else (height * width, row.outputs))
    sizes = {"H": height, "W": width, "GRID_W": grid[1], "PH": patch, "PW": patch, "HALO": halo, "ROW": cells.shape[1]}
    pixels = min(_COARSE if coarse else _EXPAND_PIXELS, power_of_two(ring * ring))
    first = Launch(
        expand_level,
        (ceil_div(ring * ring, pixels), count),
        (skip, previous, cells, _padded(shifts[0], row.middle), hidden),
        {
            **sizes, "AT_MATRIX": row.begin, "AT_POINTS": row.at_points, "POINTS": row.points, "S": row.skip,
            "B": row.previous, "N": row.middle, "BM": pixels, "BS": power_of_two(max(row.skip, VECTOR)),
            "BB": power_of_two(row.previous), "BN": VECTOR,
        },
        _EXPAND_WARPS,
    )  # fmt: skip
    # On an H200 many hidden channels want small programs whose loads are on the way together.
    pixels, warps, stages = (64, 2, 3) if row.middle >= 64 and patch >= 16 else (128, 4, 1)
    pixels = min(_COARSE if coarse else pixels, power_of_two(area))
    second = Launch(
        finish_level,
        (ceil_div(area, pixels), count),
        (hidden, cells, _padded(shifts[1], row.middle), _padded(shifts[2], row.outputs), out),
        {
            **sizes, "AT_TAPS": row.at_taps, "AT_PROJECTION": row.at_projection, "N": row.middle,
            "OUTPUTS": row.outputs, "PLANES": planes, "BM": pixels, "BN": VECTOR, "BO": power_of_two(row.outputs),
            "STAGES": stages,
        },
        warps,
    )  # fmt: skip
    return [first, second], out


def _padded(shift: Tensor, width: int) -> Tensor:
    return padded(shift.to(torch.float32), (width,))
