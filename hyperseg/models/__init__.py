"""The networks: backbone, context head, patch-wise operators, decoder, variants, checkpoints.

The public names load torch only when they are used: the pipeline and the report read ``variants`` alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hyperseg.models.checkpoints import export_checkpoint
    from hyperseg.models.counting import count_gmacs, count_parameters
    from hyperseg.models.factory import create_model, import_checkpoint
    from hyperseg.models.network import BackboneWeights, HyperSeg, check_size, pad_to_fit
    from hyperseg.models.weights import WeightsInfo, load_weights, read_weights_info, save_weights

__all__ = [
    "BackboneWeights",
    "HyperSeg",
    "WeightsInfo",
    "check_size",
    "count_gmacs",
    "count_parameters",
    "create_model",
    "export_checkpoint",
    "import_checkpoint",
    "load_weights",
    "pad_to_fit",
    "read_weights_info",
    "save_weights",
]

_MODULES = ("checkpoints", "counting", "factory", "network", "weights")


def __getattr__(name: str) -> Any:
    if name in __all__:
        for module in map(import_module, (f"{__name__}.{m}" for m in _MODULES)):
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
