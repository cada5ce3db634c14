"""The networks: backbone, context head, patch-wise operators, decoder, variants, checkpoints."""

from hyperseg.models.checkpoints import export_checkpoint
from hyperseg.models.factory import create_model, import_checkpoint
from hyperseg.models.network import HyperSeg, check_size, fits, pad_to_fit

__all__ = ["HyperSeg", "check_size", "create_model", "export_checkpoint", "fits", "import_checkpoint", "pad_to_fit"]
