"""What an engine is. Imports no torch: listing the engines must be quick."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

from hyperseg.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor, nn

    Run = Callable[[Tensor], Tensor]
    Prepare = Callable[["nn.Module", Tensor, "Target"], Run]
else:
    Run = Prepare = Callable


T = TypeVar("T")


@dataclass(frozen=True)
class Target:
    """What to prepare for."""

    device: str  # 'cpu' or 'cuda'
    precision: str  # 'float32', 'float16' or 'bfloat16'
    threads: int  # intra-op threads on a CPU
    tf32: bool  # whether a GPU may compute float32 products in TF32


@dataclass(frozen=True)
class Engine:
    """One row of the table.

    ``prepare(network, example, target)`` gets an eval-mode float32 module on the target device, batch norms already as
    the protocol reads them, and an example input, float32 on the device, (B, 3, H, W). The module's output is what the
    protocol's clock asks for: logits (B, C, h, w), or a class map (B, H, W) where `argmax` is inside the clock. The
    returned callable takes such an input and returns that output, whose memory its next call may overwrite; a
    conversion to a lower precision happens inside it, and so inside the clock. Preparing is timed apart and includes
    one run of the callable, so a compiler that works at the first call pays for it there. The module may be changed
    in place. The callable owns all that it runs on: the caller keeps nothing else. A
    :class:`hyperseg.errors.UserError` says what the machine lacks.
    """

    name: str
    modes: frozenset[tuple[str, str]]  # (device, precision)
    prepare: Prepare
    requires: tuple[str, ...] = ()  # modules that must be importable, beyond torch
    extra: str | None = None  # the extra of this package that installs them
    preload: tuple[str, ...] = field(
        default=()
    )  # imported before the memory baseline: a library is no inference memory
    ours_alone: bool = False  # runs this package's networks alone
    one_image: bool = False  # at a time
    exact: bool = False  # its float32 products never become TF32, whatever a GPU may use

    needs_compiler: bool = False  # a C++ compiler, on a CPU
    operator_by_operator: bool = False  # each operator reads and writes memory, so the traffic can be counted

    def runs(self, device: str, precision: str) -> bool:
        return (device, precision) in self.modes

    def takes(self, batch: int) -> bool:
        """Whether it runs so many images at a time."""
        return batch == 1 or not self.one_image

    def missing(self) -> str | None:
        """What is not installed, with the remedy; None where everything is there."""
        absent = [module for module in self.requires if not _importable(module)]
        if not absent and self.needs_compiler and shutil.which(os.environ.get("CXX", "g++")) is None:
            return "there is no C++ compiler; install g++ or set CXX to one"
        if not absent:
            return None
        remedy = f"install hyperseg-bench[{self.extra}]" if self.extra else "install it"
        return f"{', '.join(absent)} {'is' if len(absent) == 1 else 'are'} not installed; {remedy}"


def compiled(first_run: Callable[[], T], engine: str) -> T:
    """The answer of a network's first run, at which TorchInductor compiles it.

    Raises :class:`UserError` where it cannot: a GPU's kernels need a C compiler, and a GPU that Triton knows.
    """
    from torch._dynamo.exc import TorchDynamoException

    from hyperseg.machine_faults import is_out_of_memory

    try:
        return first_run()
    except TorchDynamoException as error:
        if is_out_of_memory(error):
            raise
        cause = getattr(error, "inner_exception", error)
        first = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
        raise UserError(f"engine {engine} cannot compile the network here ({first}); choose engine eager") from error


def modes(devices: tuple[str, ...], precisions: tuple[str, ...]) -> frozenset[tuple[str, str]]:
    """Every pair of `devices` and `precisions`."""
    return frozenset((device, precision) for device in devices for precision in precisions)


def _importable(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the parent package of a dotted name
        return False
