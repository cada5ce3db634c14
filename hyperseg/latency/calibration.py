"""Calibration: a fixed kernel that tells whether the device itself changed, and the device's measured peaks."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hyperseg.latency.protocol import Precision

if TYPE_CHECKING:
    import torch

# Side of the square matrices: large enough to reach the device's peak, small enough for tens of repetitions.
SIDES = {"cpu": 1024, "cuda": 4096}
COPY_BYTES = 256 * 2**20  # larger than the last-level cache of most machines


@dataclass(frozen=True)
class Kernel:
    """One timing of the fixed kernel: the median, and the rate of the fastest repetition."""

    name: str
    median_ms: float
    peak_gflop_per_s: float


@dataclass(frozen=True)
class Calibrator:
    """A square matrix product on one device in one precision."""

    device: "torch.device"
    precision: Precision
    seconds: float

    def time(self) -> Kernel:
        """Warm up for a fifth of the time, then time repetitions for the rest (at least five).

        The matrices are the same at every call and freed after it; they do not count as the network's memory.
        """
        import torch

        side, dtype = SIDES[self.device.type], getattr(torch, self.precision)
        generator = torch.Generator(self.device).manual_seed(0)
        a, b = (torch.randn(side, side, generator=generator, device=self.device).to(dtype) for _ in range(2))
        out = torch.empty_like(a)

        def once() -> float:
            _synchronize(self.device)
            start = time.perf_counter()
            torch.matmul(a, b, out=out)
            _synchronize(self.device)
            return time.perf_counter() - start

        with torch.inference_mode():
            _repeat(once, self.seconds / 5, 2)
            seconds = sorted(_repeat(once, self.seconds, 5))
        name = f"{side}x{side} matrix product, {self.precision}"
        return Kernel(name, 1e3 * seconds[len(seconds) // 2], 2 * side**3 / seconds[0] / 1e9)


def copy_gigabytes_per_s(device: "torch.device") -> float:
    """The device's memory bandwidth by its fastest copy of 256 MiB, read and write counted, in 1e9 bytes per second."""
    import torch

    source = torch.ones(COPY_BYTES // 4, device=device)
    target = torch.empty_like(source)

    def once() -> float:
        _synchronize(device)
        start = time.perf_counter()
        target.copy_(source)
        _synchronize(device)
        return time.perf_counter() - start

    return 2 * COPY_BYTES / min(_repeat(once, 0.1, 3)) / 1e9


def _repeat(once: Callable[[], float], seconds: float, least: int) -> list[float]:
    taken: list[float] = []
    began = time.perf_counter()
    while len(taken) < least or time.perf_counter() - began < seconds:
        taken.append(once())
    return taken


def _synchronize(device: "torch.device") -> None:
    if device.type == "cuda":
        import torch

        torch.cuda.synchronize(device)
