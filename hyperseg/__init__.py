"""HyperSeg benchmark suite: exact networks, fixed protocols, one record per number.

The public names load torch only when they are used, so that reports and the command line start quickly.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from hyperseg.kernels.accelerate import accelerate
    from hyperseg.models import create_model, export_checkpoint, import_checkpoint

__all__ = ["__version__", "accelerate", "create_model", "export_checkpoint", "import_checkpoint"]


def __getattr__(name: str) -> Any:
    if name == "accelerate":
        return import_module("hyperseg.kernels.accelerate").accelerate
    if name in {"create_model", "export_checkpoint", "import_checkpoint"}:
        return getattr(import_module("hyperseg.models"), name)
    raise AttributeError(f"module 'hyperseg' has no attribute '{name}'")
