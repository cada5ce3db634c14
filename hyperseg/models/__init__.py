"""The networks: backbone, context head, patch-wise operators, decoder, variants, checkpoints.

The public names load torch only when they are used: the pipeline and the report read ``variants`` alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hyperseg.models.checkpoints import export_checkpoint
    from hyperseg.models.factory import create_model, import_checkpoint
    from hyperseg.models.network import HyperSeg, check_size, fits, pad_to_fit

__all__ = ["HyperSeg", "check_size", "create_model", "export_checkpoint", "fits", "import_checkpoint", "pad_to_fit"]

_HOMES = {"export_checkpoint": "checkpoints", "create_model": "factory", "import_checkpoint": "factory"}


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(f"hyperseg.models.{_HOMES.get(name, 'network')}"), name)
    raise AttributeError(f"module 'hyperseg.models' has no attribute '{name}'")
