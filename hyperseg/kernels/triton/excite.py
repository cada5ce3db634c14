"""Squeeze-excitation in two small kernels: partial sums to the squeezed vector, that to a gate per channel."""

import torch
import triton
import triton.language as tl
from torch import Tensor

from hyperseg.kernels.triton.activations import activate
from hyperseg.kernels.triton.launch import Launch, ceil_div, padded, power_of_two, round_up

_CHANNELS = 1024  # of one step of a squeeze program
_SUMS = 8192  # loaded at a time: the loads of a step wait together
_GATES = 64  # of one program


@triton.jit
def squeeze(
    sums: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    out: tl.tensor,
    PARTS: tl.constexpr,
    C: tl.constexpr,
    DEPTH: tl.constexpr,  # columns of weight: C, rounded up to whole steps
    AREA: tl.constexpr,
    ACTIVATION: tl.constexpr,
    BR: tl.constexpr,
    BP: tl.constexpr,
    BC: tl.constexpr,
) -> None:
    """Squeezed values: activation(weight by the mean of every channel + bias)."""
    rows = tl.program_id(0) * BR + tl.arange(0, BR)
    channels = tl.arange(0, BC)
    parts = tl.arange(0, BP)
    products = tl.zeros((BR, BC), tl.float32)
    for first in range(0, DEPTH, BC):
        at = first + channels
        total = tl.zeros((BC,), tl.float32)
        for part in range(0, PARTS, BP):
            there = (part + parts < PARTS)[:, None] & (at < C)[None, :]
            total += tl.sum(tl.load(sums + (part + parts)[:, None] * C + at[None, :], mask=there, other=0.0), 0)
        matrix = tl.load(weight + rows[:, None] * DEPTH + at[None, :])
        products += total[None, :] * matrix.to(tl.float32)
    value = tl.sum(products, 1) / AREA + tl.load(bias + rows)
    tl.store(out + rows, activate(value, ACTIVATION))


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
) -> None:
    """Gates: sigmoid(weight by the squeezed vector + bias)."""
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
    step = power_of_two(channels) if coarse else min(_CHANNELS, power_of_two(channels))
    depth = round_up(channels, step)
    rows = power_of_two(squeezed) if coarse else 1
    height = round_up(squeezed, rows)
    values = sums.new_empty(height)
    first = Launch(
        squeeze,
        (height // rows,),
        (sums, padded(reduce[0], (height, depth)).to(dtype), padded(reduce[1].float(), (height,)), values),
        {
            "PARTS": parts, "C": channels, "DEPTH": depth, "AREA": area, "ACTIVATION": activation,
            "BR": rows, "BP": min(_SUMS // step, power_of_two(parts, 1)), "BC": step,
        },
        8,
    )  # fmt: skip
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
