"""Out of memory and lost devices, as one sentence each."""

import re
import sys

from hyperseg.errors import UserError

_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "bad_alloc", "Cannot allocate memory")
_DEVICE = re.compile(r"(CUDA|HIP|cuDNN|NCCL)( driver)? (error|initialization|unknown error)|Triton Error \[CUDA\]")
# The driver's messages for a bug in a kernel, whose traceback must be shown.
_BUG = re.compile(r"device-side assert|illegal|misaligned|invalid|no kernel image|NOT_SUPPORTED|BAD_PARAM")


def explain(error: BaseException) -> UserError | None:
    """The sentence for an exception that is a fault of the machine; None for other exceptions."""
    if is_out_of_memory(error):
        return UserError("memory ran out; end other programs, choose a smaller input or a machine with more memory")
    reason = lost_device(error)
    if reason is None:
        return None
    return UserError(
        f"the GPU failed ({reason}); see `nvidia-smi` and the system's log, then run the same command again, or with "
        "--device cpu"
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, of the machine or of a GPU."""
    torch = sys.modules.get("torch")
    if isinstance(error, MemoryError) or (torch and isinstance(error, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError | OSError | ImportError) and any(text in str(error) for text in _NO_MEMORY)


def lost_device(error: BaseException) -> str | None:
    """The driver's words, where it reports that a GPU no longer works; None for other errors."""
    torch = sys.modules.get("torch")
    said = (str(error).strip().splitlines() or [""])[0]
    from_driver = torch is not None and isinstance(error, torch.AcceleratorError)
    if not (from_driver or (isinstance(error, RuntimeError) and _DEVICE.match(said))) or _BUG.search(said):
        return None
    return said.rstrip(".")
