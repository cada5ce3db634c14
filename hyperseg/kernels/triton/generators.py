"""All generators in one call: signal to one row of weights for each cell.

A generator is a product whose matrix is block diagonal. Each tile of the row reads the channels of its own groups
alone: a table gives every tile the first channel, the number of steps and where its part of the matrix begins.
"""

from collections.abc import Sequence

import torch
import triton
import triton.language as tl
from torch import Tensor

from hyperseg.kernels.triton.early import await_previous
from hyperseg.kernels.triton.launch import Launch, ceil_div, power_of_two, round_up
from hyperseg.kernels.triton.rows import LevelRow
from hyperseg.models.decoder import WeightGenerator

_STEP = 32  # channels; also the multiple at which a tile's channels begin
_COLUMNS = 128
_ROWS, _WARPS = 64, 4


@triton.jit
def generate(
    signal: tl.tensor,
    table: tl.tensor,
    matrix: tl.tensor,
    out: tl.tensor,
    CELLS: tl.constexpr,
    S: tl.constexpr,
    ROW: tl.constexpr,
    BM: tl.constexpr,
    BN: tl.constexpr,
    BK: tl.constexpr,
    EARLY: tl.constexpr,
) -> None:
    """signal (CELLS, S) to out (CELLS, ROW)."""
    await_previous(EARLY)
    tile = tl.program_id(0)
    first = tl.load(table + tile * 4) * BK
    steps = tl.load(table + tile * 4 + 1)
    begin = tl.load(table + tile * 4 + 2) * BK
    rows = tl.program_id(1) * BM + tl.arange(0, BM)
    columns = tl.arange(0, BN)
    ks = tl.arange(0, BK)
    a_at = signal + tl.minimum(rows, CELLS - 1)[:, None] * S + first + ks[None, :]
    b_at = matrix + (begin + ks)[:, None] * BN + columns[None, :]
    total = tl.zeros((BM, BN), tl.float32)
    for step in range(steps):
        a = tl.load(a_at + step * BK)
        b = tl.load(b_at + step * (BK * BN))
        total = tl.dot(a, b, total, input_precision="ieee")
    at = out + rows[:, None] * ROW + tile * BN + columns[None, :]
    tl.store(at, total.to(out.dtype.element_ty), mask=rows[:, None] < CELLS)


def generate_launch(
    generators: Sequence[WeightGenerator], rows: Sequence[LevelRow], signal: Tensor, coarse: bool = False
) -> tuple[Launch, Tensor]:
    """The call and the cells' rows (cells, ROW) for ``signal`` (cells, S), S a multiple of 32."""
    cells, width = signal.shape
    bm, bn = (power_of_two(cells), 1024) if coarse else (_ROWS if cells > 32 else 16, _COLUMNS)
    row = round_up(rows[-1].end, bn)
    table, parts, begin = [], [], 0
    for tile, entries in enumerate(_entries(generators, rows, row).split(bn)):
        first, part = _tile(generators, entries, width)
        parts.append(part)
        table.append([first // _STEP, part.shape[0] // _STEP, begin // _STEP, tile])
        begin += part.shape[0]
    out = signal.new_empty(cells, row)
    launch = Launch(
        generate,
        (len(table), ceil_div(cells, bm)),
        (
            signal, torch.tensor(table, dtype=torch.int32, device=signal.device),
            torch.cat(parts).to(signal.device, signal.dtype), out,
        ),
        {"CELLS": cells, "S": width, "ROW": row, "BM": bm, "BN": bn, "BK": _STEP},
        _WARPS,
        3,
    )  # fmt: skip
    return launch, out


def _entries(generators: Sequence[WeightGenerator], rows: Sequence[LevelRow], row: int) -> Tensor:
    """For each place of the row, int64 (row, 2): which generator makes it and which of its outputs; -1 for a zero."""
    entries = torch.full((row, 2), -1)
    level = 0
    for number, generator in enumerate(generators):
        before = 0
        for count in generator.shape.counts:
            part = rows[level]
            sources = part.sources()
            made = sources >= 0
            entries[part.begin : part.end][made] = torch.stack(
                (torch.full_like(sources[made], number), sources[made] + before), 1
            )
            before += count
            level += 1
    return entries


def _tile(generators: Sequence[WeightGenerator], entries: Tensor, width: int) -> tuple[int, Tensor]:
    """The first channel that a tile reads, and its part of the matrix (channels, BN), float32."""
    pieces: list[tuple[Tensor, Tensor, Tensor]] = []  # columns, their first channels, their weights
    for number in entries[:, 0].unique().tolist():
        if number < 0:
            continue
        generator = generators[number]
        shape, columns = generator.shape, (entries[:, 0] == number).nonzero()[:, 0]
        outputs = entries[columns, 1]
        weights = generator.weight.detach().float().flatten(1)
        group = outputs // (shape.outputs // shape.groups)
        pieces.append((columns, shape.begin + group * weights.shape[1], weights[outputs.to(weights.device)]))
    if not pieces:
        return 0, torch.zeros(_STEP, len(entries), device=generators[0].weight.device)
    first = min(int(begins.min()) for _, begins, _ in pieces) // _STEP * _STEP
    last = max(int(begins.max()) + weights.shape[1] for _, begins, weights in pieces)
    depth = round_up(last - first, _STEP)
    assert first + depth <= width, "the signal's width is a multiple of a step"
    part = torch.zeros(depth, len(entries), device=pieces[0][2].device)
    for columns, begins, weights in pieces:
        channels = (begins - first)[:, None] + torch.arange(weights.shape[1])
        place = (channels.to(part.device), columns[:, None].expand_as(channels).to(part.device))
        part.index_put_(place, weights)
    return first, part
