"""The kernels of :mod:`hyperseg.kernels.triton.training.batch_norm`: sums of a map, then one pass over it.

A map has C channels of K values each. Tiles are values by channels; which of them lie side by side in memory is in S.
"""

import triton
import triton.language as tl

from hyperseg.kernels.triton.activations import activate


@triton.jit
def places(
    k: tl.tensor,
    c: tl.tensor,
    C: tl.tensor,
    S: tl.constexpr,
) -> tl.tensor:
    """Where value k of channel c lies: S neighbours in memory are of one channel (1: channels last)."""
    return ((k // S).to(tl.int64) * C * S + k % S)[:, None] + (c * S)[None, :]


@triton.jit
def activation_slope(z: tl.tensor, CODE: tl.constexpr) -> tl.tensor:
    if CODE == 1:
        share = 1.0 / (1.0 + tl.exp(-z))
        slope = share * (1.0 + z * (1.0 - share))
    elif CODE == 2:
        slope = tl.where(z > 0.0, 1.0, 0.0)
    elif CODE == 3:
        slope = tl.where((z > 0.0) & (z < 6.0), 1.0, 0.0)
    else:
        slope = tl.zeros_like(z) + 1.0
    return slope


@triton.jit
def norm_sums(
    x: tl.tensor,
    parts: tl.tensor,
    K: tl.tensor,  # values of a channel
    C: tl.tensor,
    each: tl.tensor,  # values of a channel that one program adds
    S: tl.constexpr,
    BK: tl.constexpr,
    BC: tl.constexpr,
) -> None:
    """Sums (programs, 2, C) of the values and of their squares, both less the channel's first value.

    So the squares do not cancel where a channel's mean is large.
    """
    c = tl.program_id(0) * BC + tl.arange(0, BC)
    there = c < C
    base = tl.load(x + c * S, mask=there, other=0.0).to(tl.float32)
    total = tl.zeros((BK, BC), tl.float32)
    squares = tl.zeros((BK, BC), tl.float32)
    first = tl.program_id(1) * each
    last = tl.minimum(first + each, K)
    for start in range(first, last, BK):
        k = start + tl.arange(0, BK)
        mask = (k < last)[:, None] & there[None, :]
        value = tl.load(x + places(k, c, C, S), mask=mask, other=0.0).to(tl.float32) - base[None, :]
        value = tl.where(mask, value, 0.0)
        total += value
        squares += value * value
    at = parts + tl.program_id(1) * 2 * C + c
    tl.store(at, tl.sum(total, 0), mask=there)
    tl.store(at + C, tl.sum(squares, 0), mask=there)


@triton.jit
def summed_parts(
    parts: tl.tensor, c: tl.tensor, C: tl.tensor, programs: tl.tensor, BP: tl.constexpr, BC: tl.constexpr
) -> tuple[tl.tensor, tl.tensor]:
    """Both sums (BC,) over programs of parts (programs, 2, C), for channels c."""
    first = tl.zeros((BP, BC), tl.float32)
    second = tl.zeros((BP, BC), tl.float32)
    for start in range(0, programs, BP):
        p = start + tl.arange(0, BP)
        mask = (p < programs)[:, None] & (c < C)[None, :]
        at = parts + p[:, None] * 2 * C + c[None, :]
        first += tl.load(at, mask=mask, other=0.0)
        second += tl.load(at + C, mask=mask, other=0.0)
    return tl.sum(first, 0), tl.sum(second, 0)


@triton.jit
def norm_finish(
    x: tl.tensor,
    parts: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    running_mean: tl.tensor,
    running_var: tl.tensor,
    saved: tl.tensor,  # (4, C): mean, 1 / deviation, factor and shift of a value
    K: tl.tensor,
    C: tl.tensor,
    programs: tl.tensor,
    momentum: tl.tensor,
    eps: tl.tensor,
    S: tl.constexpr,
    BP: tl.constexpr,
    BC: tl.constexpr,
) -> None:
    c = tl.program_id(0) * BC + tl.arange(0, BC)
    there = c < C
    total, squares = summed_parts(parts, c, C, programs, BP, BC)
    offset = total / K
    mean = tl.load(x + c * S, mask=there, other=0.0).to(tl.float32) + offset
    var = tl.maximum(squares / K - offset * offset, 0.0)
    inverse = 1.0 / tl.sqrt(var + eps)
    factor = tl.load(weight + c, mask=there, other=0.0) * inverse
    tl.store(saved + c, mean, mask=there)
    tl.store(saved + C + c, inverse, mask=there)
    tl.store(saved + 2 * C + c, factor, mask=there)
    tl.store(saved + 3 * C + c, tl.load(bias + c, mask=there, other=0.0) - mean * factor, mask=there)
    before = tl.load(running_mean + c, mask=there, other=0.0)
    tl.store(running_mean + c, before + momentum * (mean - before), mask=there)
    before = tl.load(running_var + c, mask=there, other=0.0)
    unbiased = var * (K / tl.maximum(K - 1, 1).to(tl.float32))
    tl.store(running_var + c, before + momentum * (unbiased - before), mask=there)


@triton.jit
def norm_apply(
    x: tl.tensor,
    saved: tl.tensor,
    y: tl.tensor,
    K: tl.tensor,
    C: tl.tensor,
    S: tl.constexpr,
    ACTIVATION: tl.constexpr,
    BK: tl.constexpr,
    BC: tl.constexpr,
) -> None:
    c = tl.program_id(1) * BC + tl.arange(0, BC)
    k = tl.program_id(0) * BK + tl.arange(0, BK)
    mask = (k < K)[:, None] & (c < C)[None, :]
    at = places(k, c, C, S)
    factor = tl.load(saved + 2 * C + c, mask=c < C, other=0.0)
    shift = tl.load(saved + 3 * C + c, mask=c < C, other=0.0)
    z = tl.load(x + at, mask=mask, other=0.0).to(tl.float32) * factor[None, :] + shift[None, :]
    tl.store(y + at, activate(z, ACTIVATION).to(y.dtype.element_ty), mask=mask)


@triton.jit
def norm_gradient_sums(
    x: tl.tensor,
    grad: tl.tensor,
    saved: tl.tensor,
    parts: tl.tensor,
    K: tl.tensor,
    C: tl.tensor,
    each: tl.tensor,
    S: tl.constexpr,
    ACTIVATION: tl.constexpr,
    BK: tl.constexpr,
    BC: tl.constexpr,
) -> None:
    """Sums (programs, 2, C) of the norm's gradient, and of it times the normalized value."""
    c = tl.program_id(0) * BC + tl.arange(0, BC)
    there = c < C
    mean = tl.load(saved + c, mask=there, other=0.0)[None, :]
    inverse = tl.load(saved + C + c, mask=there, other=0.0)[None, :]
    factor = tl.load(saved + 2 * C + c, mask=there, other=0.0)[None, :]
    shift = tl.load(saved + 3 * C + c, mask=there, other=0.0)[None, :]
    total = tl.zeros((BK, BC), tl.float32)
    along = tl.zeros((BK, BC), tl.float32)
    first = tl.program_id(1) * each
    last = tl.minimum(first + each, K)
    for start in range(first, last, BK):
        k = start + tl.arange(0, BK)
        mask = (k < last)[:, None] & there[None, :]
        at = places(k, c, C, S)
        value = tl.load(x + at, mask=mask, other=0.0).to(tl.float32)
        given = tl.load(grad + at, mask=mask, other=0.0).to(tl.float32)
        given *= activation_slope(value * factor + shift, ACTIVATION)
        total += given
        along += given * ((value - mean) * inverse)
    at = parts + tl.program_id(1) * 2 * C + c
    tl.store(at, tl.sum(total, 0), mask=there)
    tl.store(at + C, tl.sum(along, 0), mask=there)


@triton.jit
def norm_gradient_finish(
    parts: tl.tensor,
    grad_weight: tl.tensor,
    grad_bias: tl.tensor,
    C: tl.tensor,
    programs: tl.tensor,
    BP: tl.constexpr,
    BC: tl.constexpr,
) -> None:
    c = tl.program_id(0) * BC + tl.arange(0, BC)
    there = c < C
    total, along = summed_parts(parts, c, C, programs, BP, BC)
    tl.store(grad_bias + c, total, mask=there)
    tl.store(grad_weight + c, along, mask=there)


@triton.jit
def norm_gradient(
    x: tl.tensor,
    grad: tl.tensor,
    saved: tl.tensor,
    grad_weight: tl.tensor,
    grad_bias: tl.tensor,
    grad_x: tl.tensor,
    K: tl.tensor,
    C: tl.tensor,
    S: tl.constexpr,
    ACTIVATION: tl.constexpr,
    BK: tl.constexpr,
    BC: tl.constexpr,
) -> None:
    c = tl.program_id(1) * BC + tl.arange(0, BC)
    k = tl.program_id(0) * BK + tl.arange(0, BK)
    there = c < C
    mask = (k < K)[:, None] & there[None, :]
    at = places(k, c, C, S)
    mean = tl.load(saved + c, mask=there, other=0.0)[None, :]
    inverse = tl.load(saved + C + c, mask=there, other=0.0)[None, :]
    factor = tl.load(saved + 2 * C + c, mask=there, other=0.0)[None, :]
    shift = tl.load(saved + 3 * C + c, mask=there, other=0.0)[None, :]
    value = tl.load(x + at, mask=mask, other=0.0).to(tl.float32)
    given = tl.load(grad + at, mask=mask, other=0.0).to(tl.float32)
    given *= activation_slope(value * factor + shift, ACTIVATION)
    constant = tl.load(grad_bias + c, mask=there, other=0.0)[None, :] / K
    along = tl.load(grad_weight + c, mask=there, other=0.0)[None, :] / K
    answer = factor * (given - constant - (value - mean) * inverse * along)
    tl.store(grad_x + at, answer.to(grad_x.dtype.element_ty), mask=mask)
