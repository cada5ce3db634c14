"""From a weights file to a network, for the commands that take one."""

from pathlib import Path
from typing import TYPE_CHECKING

from hyperseg.errors import UserError

if TYPE_CHECKING:
    from hyperseg.models import HyperSeg
    from hyperseg.rivals.network import RivalNetwork


def load_network(weights: Path, variant: str | None) -> "HyperSeg | RivalNetwork":
    """The network of a weights file, in eval mode; a ``.pth`` of the released format needs the variant's id."""
    from hyperseg.kernels.operators import attach_eager
    from hyperseg.models import read_weights_info
    from hyperseg.models.checkpoint_file import check_file
    from hyperseg.networks import create_network

    check_file(weights)
    if variant is None:
        if weights.suffix != ".safetensors":
            raise UserError(f"{weights} does not name its network; give its variant with --variant")
        variant = read_weights_info(weights).variant
    network = create_network(variant, weights=weights).eval()
    attach_eager(network)
    return network


def training_seed(weights: Path) -> int | None:
    """The seed in the training record beside a weights file, if the record belongs to that file."""
    from hyperseg.files import sha256_file
    from hyperseg.records import read_record

    path = weights.with_name("train.json")
    if not path.is_file():
        return None
    record = read_record(path)
    return record.seed if record.network.weights_sha256 == sha256_file(weights) else None
