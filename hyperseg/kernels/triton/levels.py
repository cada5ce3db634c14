"""Decoder levels of 1x1 convolutions: one program a cell, its weights read once."""

import triton
import triton.language as tl
from torch import Tensor

from hyperseg.kernels.triton.early import await_previous
from hyperseg.kernels.triton.inputs import coordinate, load_rows, upsampled
from hyperseg.kernels.triton.launch import Launch, ceil_div, padded, power_of_two
from hyperseg.kernels.triton.rows import LevelRow

_WARPS = 4
_CHUNK = 16  # channels, and pixels at least: a smaller patch repeats its last pixel


@triton.jit
def conv_level(
    skip: tl.tensor,
    previous: tl.tensor,
    cells: tl.tensor,
    shift: tl.tensor,
    out: tl.tensor,
    H: tl.constexpr,
    W: tl.constexpr,
    GRID_W: tl.constexpr,  # cells in a row
    PH: tl.constexpr,  # patch
    PW: tl.constexpr,
    ROW: tl.constexpr,
    AT_MATRIX: tl.constexpr,
    AT_POINTS: tl.constexpr,
    S: tl.constexpr,  # channels of the skip
    B: tl.constexpr,  # channels of the level before; 0 without it
    N: tl.constexpr,
    BM: tl.constexpr,
    BN: tl.constexpr,
    BK: tl.constexpr,
    EARLY: tl.constexpr,
) -> None:
    """Coordinates, skip (H, W, S) and previous (H / 2, W / 2, B), upsampled, to relu of out (H, W, N)."""
    await_previous(EARLY)
    cell = tl.program_id(0)
    pixels = tl.program_id(1) * BM + tl.arange(0, BM)
    inside = tl.minimum(pixels, PH * PW - 1)
    y = cell // GRID_W * PH + inside // PW
    x = cell % GRID_W * PW + inside % PW
    columns = tl.arange(0, BN)
    there = columns < N
    ks = tl.arange(0, BK)
    weights = cells + cell * ROW
    matrix = weights + AT_MATRIX + ks[:, None] + columns[None, :] * (S + B)
    total = coordinate(x, W)[:, None] * tl.load(weights + AT_POINTS + columns, mask=there, other=0.0)[None, :]
    total += coordinate(y, H)[:, None] * tl.load(weights + AT_POINTS + N + columns, mask=there, other=0.0)[None, :]
    for k in tl.static_range(0, S, BK):
        a = load_rows(skip, y * W + x, k + ks, S, False)
        total = tl.dot(a, tl.load(matrix + k, mask=there[None, :], other=0.0), total, input_precision="ieee")
    for k in tl.static_range(0, B, BK):
        a = upsampled(previous, y, x, k + ks, H, W, B, False).to(cells.dtype.element_ty)
        total = tl.dot(a, tl.load(matrix + S + k, mask=there[None, :], other=0.0), total, input_precision="ieee")
    total = tl.maximum(total + tl.load(shift + columns, mask=there, other=0.0)[None, :], 0.0)
    fits = (pixels < PH * PW)[:, None] & there[None, :]
    tl.store(out + (y * W + x)[:, None] * N + columns[None, :], total.to(out.dtype.element_ty), mask=fits)


def conv_launch(
    row: LevelRow, cells: Tensor, grid: tuple[int, int], skip: Tensor, previous: Tensor | None, shift: Tensor
) -> tuple[Launch, Tensor]:
    """The call and the level's output (H * W, outputs) for ``skip`` (H * W, S), over ``grid`` cells."""
    area = skip.shape[0] // (grid[0] * grid[1])
    patch = int(area**0.5)
    out = skip.new_empty(skip.shape[0], row.outputs)
    pixels, columns = min(128, power_of_two(area, _CHUNK)), power_of_two(row.outputs)
    launch = Launch(
        conv_level,
        (grid[0] * grid[1], ceil_div(area, pixels)),
        (skip, skip if previous is None else previous, cells, padded(shift.float(), (row.outputs,)), out),
        {
            "H": grid[0] * patch, "W": grid[1] * patch, "GRID_W": grid[1], "PH": patch, "PW": patch,
            "ROW": cells.shape[1], "AT_MATRIX": row.begin, "AT_POINTS": row.at_points, "S": row.skip,
            "B": row.previous, "N": row.outputs, "BM": pixels, "BN": columns, "BK": _CHUNK,
        },
        _WARPS,
    )  # fmt: skip
    return launch, out
