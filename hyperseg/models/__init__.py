"""The networks: backbone, context head, patch-wise operators, decoder, variants, checkpoints."""

from hyperseg.models.checkpoints import export_checkpoint
from hyperseg.models.counting import count_gmacs, count_parameters
from hyperseg.models.factory import create_model, import_checkpoint
from hyperseg.models.network import BackboneWeights, HyperSeg, check_size, fits, pad_to_fit
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
    "fits",
    "import_checkpoint",
    "load_weights",
    "pad_to_fit",
    "read_weights_info",
    "save_weights",
]
