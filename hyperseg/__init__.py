"""HyperSeg benchmark suite: exact networks, fixed protocols, one record per number.

The public names load torch or pandas only when they are used, so that reports and the command line start quickly.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from hyperseg.kernels.accelerate import accelerate
    from hyperseg.models import create_model, export_checkpoint, import_checkpoint
    from hyperseg.records.frame import read_records

__all__ = ["__version__", "accelerate", "create_model", "export_checkpoint", "import_checkpoint", "read_records"]


def __getattr__(name: str) -> Any:
    if name == "accelerate":
        return import_module("hyperseg.kernels.accelerate").accelerate
    if name in {"create_model", "export_checkpoint", "import_checkpoint"}:
        return getattr(import_module("hyperseg.models"), name)
    if name == "read_records":
        return import_module("hyperseg.records.frame").read_records
    raise AttributeError(f"module 'hyperseg' has no attribute '{name}'")


def __dir__() -> list[str]:
    """With the names that are loaded when used, which an editor or a notebook completes from here."""
    return sorted({*globals(), *__all__})
