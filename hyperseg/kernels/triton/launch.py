"""One call of a kernel, ready to be repeated: it owns the tensors that it reads and writes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

_POINTERS = {
    torch.float16: "*fp16",
    torch.float32: "*fp32",
    torch.int32: "*i32",
    torch.int64: "*i64",
}
# Triton 3.10 changes the default of fusing a product and a sum, and with it last bits.
FUSED = {"enable_fp_fusion": True}
HOPPER = GPUTarget("cuda", 90, 32)
FULL = 132  # multiprocessors of an H100 or H200: fewer programs leave some idle


@dataclass(frozen=True)
class Launch:
    """``kernel`` over ``grid`` programs: its first parameters are ``tensors``, the others ``constants``, by name.

    Calling it runs the kernel on the current stream, or in Triton's interpreter. All numbers are constants, so that a
    compiled kernel holds no multiplication by a size and loads whole vectors. ``early``: launched as
    :mod:`hyperseg.kernels.triton.early` describes, which the interpreter cannot do.
    """

    kernel: Any
    grid: tuple[int, ...]
    tensors: tuple[Tensor, ...]
    constants: dict[str, Any] = field(default_factory=dict)
    warps: int = 4
    stages: int = 1
    registers: int = 0  # of a thread at most; 0: as many as the compiler likes
    early: bool = False

    @property
    def options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"num_warps": self.warps, "num_stages": self.stages, **FUSED}
        if self.registers:
            options["maxnreg"] = self.registers
        if self.early:
            options["launch_pdl"] = True
        return options

    @property
    def arguments(self) -> dict[str, Any]:
        return self.constants | {"EARLY": self.early}

    def __call__(self) -> None:
        self.kernel[self.grid](*self.tensors, **self.arguments, **self.options)

    def compile(self) -> None:
        """Build the kernel for the current GPU, without running it."""
        self.kernel.warmup(*self.tensors, grid=self.grid, **self.arguments, **self.options)

    def source(self) -> ASTSource:
        """What ``triton.compile`` builds this call's machine code from, on a machine without a GPU too."""
        names = self.kernel.arg_names[: len(self.tensors)]
        signature = {name: _POINTERS[tensor.dtype] for name, tensor in zip(names, self.tensors, strict=True)}
        signature |= dict.fromkeys(self.arguments, "constexpr")
        attributes = {(index,): [["tt.divisibility", 16]] for index in range(len(names))}
        return ASTSource(self.kernel, signature, self.arguments, attributes)

    def key(self) -> tuple[Any, ...]:
        """Equal for two calls that run the same machine code."""
        dtypes = tuple(tensor.dtype for tensor in self.tensors)
        return (self.kernel.__name__, dtypes, *(tuple(sorted(d.items())) for d in (self.arguments, self.options)))


def ceil_div(value: int, base: int) -> int:
    return -(-value // base)


def round_up(value: int, base: int) -> int:
    """The smallest multiple of ``base`` that is at least ``value``."""
    return ceil_div(value, base) * base


def power_of_two(value: int, least: int = 16) -> int:
    """The smallest power of two that is at least ``value`` and ``least``."""
    return max(least, 1 << math.ceil(math.log2(value)))


def padded(tensor: Tensor, shape: Sequence[int]) -> Tensor:
    """``tensor`` at the beginning of zeros of ``shape``."""
    out = tensor.new_zeros(tuple(shape))
    out[tuple(slice(size) for size in tensor.shape)] = tensor
    return out.contiguous()
