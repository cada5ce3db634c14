"""Peak memory of inference: resident growth of the fresh process on a CPU, torch's allocator on a GPU."""

import ctypes
import gc
import resource
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn

CPU_METHOD = "resident growth from the built network to the peak of inference, plus its parameters and buffers"
CPU_METHOD_WITH_PREPARATION = f"{CPU_METHOD}; the preparation's peak is in it, as this kernel does not reset peaks"
CUDA_METHOD = (
    "largest allocation of torch's CUDA allocator during inference, weights included, and what captured graphs keep to "
    "replay in"
)


class PeakMemory:
    """Create it once network and libraries are loaded; `reset` it when the engine is prepared; then `read`.

    On a CPU the growth of the resident set is measured from the built network, whose own bytes are added: what a
    library's code and the test's own buffers take is no memory of inference.
    """

    def __init__(self, network: "nn.Module", device: "torch.device") -> None:
        self.device = device
        tensors = [*network.parameters(), *network.buffers()]
        self._own_bytes = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        _return_freed()
        self._baseline = _status_bytes("VmRSS") or _largest_resident()
        self.method = CUDA_METHOD if device.type == "cuda" else CPU_METHOD

    def reset(self) -> None:
        """Forget the peak of the preparation."""
        _return_freed()
        if self.device.type == "cuda":
            import torch

            torch.cuda.reset_peak_memory_stats(self.device)
            return
        try:
            Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM (Linux, proc(5))
        except OSError:
            self.method = CPU_METHOD_WITH_PREPARATION

    def read(self) -> int:
        """Peak in bytes since `reset`."""
        if self.device.type == "cuda":
            import torch

            return torch.cuda.max_memory_allocated(self.device) + _kept_by_graphs()
        return (_status_bytes("VmHWM") or _largest_resident()) - self._baseline + self._own_bytes


def _kept_by_graphs() -> int:
    """Memory of captured graphs that counts as free, although it is theirs alone: a replay allocates nothing."""
    import torch

    private = [segment for segment in torch.cuda.memory_snapshot() if tuple(segment["segment_pool_id"]) != (0, 0)]
    return sum(segment["total_size"] - segment["allocated_size"] for segment in private)


def _status_bytes(field: str) -> int | None:
    """A size in the kernel's account of this process; None where there is no such account."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(f"{field}:")), None)


def _largest_resident() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _return_freed() -> None:
    """Collect garbage, and have glibc return what is free to the system; other allocators keep it."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
