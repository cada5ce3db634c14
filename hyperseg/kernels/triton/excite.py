"""Squeeze-excitation in two small kernels: partial sums to the squeezed vector, that to a gate per channel."""

import torch
import triton
import triton.language as tl
from torch import Tensor

from hyperseg.kernels.triton.activations import activate
from hyperseg.kernels.triton.early import await_previous
from hyperseg.kernels.triton.launch import Launch, ceil_div, padded, power_of_two, round_up

_SUMS = 8192  # loaded at a time by a squeeze program: the loads of a step wait together
_GATES = 32  # of one program
_WARPS = 16  # of a squeeze program


@triton.jit
def squeeze(
    sums: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    out: tl.tensor,
    PARTS: tl.constexpr,
    C: tl.constexpr,
    AREA: tl.constexpr,
    ACTIVATION: tl.constexpr,
    BLOCK: tl.constexpr,
    EARLY: tl.constexpr,
) -> None:
    """One squeezed value: activation(a row of weight (R, C) by the mean of every channel + bias).

    A channel's weight multiplies each of its partial sums, so that one sum over all of them is left at the end: a sum
    inside the loop would make the program's warps wait for each other in every round.
    """
    await_previous(EARLY)
    row = tl.program_id(0)
    places = tl.arange(0, BLOCK)
    products = tl.zeros((BLOCK,), tl.float32)
    for first in range(0, PARTS * C, BLOCK):
        at = first + places
        there = at < PARTS * C
        value = tl.load(sums + at, mask=there, other=0.0)
        products += value * tl.load(weight + row * C + at % C, mask=there, other=0.0).to(tl.float32)
    value = tl.sum(products, 0) / AREA + tl.load(bias + row)
    tl.store(out + row, activate(value, ACTIVATION))


@triton.jit
def excite(
    squeezed: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    gate: tl.tensor,
    C: tl.constexpr,
    R: tl.constexpr,  # squeezed values
    DEPTH: tl.constexpr,  # columns of weight, a power of two
    BC: tl.constexpr,
    EARLY: tl.constexpr,
) -> None:
    """Gates: sigmoid(weight by the squeezed vector + bias)."""
    await_previous(EARLY)
    channels = tl.program_id(0) * BC + tl.arange(0, BC)
    rows = tl.arange(0, DEPTH)
    values = tl.load(squeezed + rows, mask=rows < R, other=0.0)
    matrix = tl.load(weight + channels[:, None] * DEPTH + rows[None, :])
    total = tl.sum(matrix.to(tl.float32) * values[None, :], 1) + tl.load(bias + channels)
    answer = 1.0 / (1.0 + tl.exp(-total))
    tl.store(gate + channels, answer.to(gate.dtype.element_ty), mask=channels < C)


def excite_launches(
    sums: Tensor,
    area: int,
    reduce: tuple[Tensor, Tensor],
    expand: tuple[Tensor, Tensor],
    activation: int,
    dtype: torch.dtype,
    coarse: bool = False,
) -> tuple[list[Launch], Tensor]:
    """Both calls and the gate (C,) of ``dtype``, from ``sums`` (parts, C) over ``area`` pixels.

    ``reduce`` and ``expand`` are weight and bias of the two layers, (R, C) and (C, R).
    """
    (parts, channels), squeezed = sums.shape, reduce[0].shape[0]
    values = sums.new_empty(squeezed)
    block = min(1 << 20 if coarse else _SUMS, power_of_two(parts * channels))
    first = Launch(
        squeeze,
        (squeezed,),
        (sums, reduce[0].to(dtype).contiguous(), reduce[1].float().contiguous(), values),
        {"PARTS": parts, "C": channels, "AREA": area, "ACTIVATION": activation, "BLOCK": block},
        _WARPS,
    )
    width = power_of_two(squeezed)
    block = power_of_two(channels) if coarse else min(_GATES, power_of_two(channels))
    padding = round_up(channels, block)
    gate = sums.new_empty(channels, dtype=dtype)
    second = Launch(
        excite,
        (ceil_div(channels, block),),
        (values, padded(expand[0], (padding, width)).to(dtype), padded(expand[1].float(), (padding,)), gate),
        {"C": channels, "R": squeezed, "DEPTH": width, "BC": block},
    )
    return [first, second], gate
