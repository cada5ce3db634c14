"""Every network of the suite by one id: published variants, their ablations, and rivals of other libraries.

Imports torch when a network is built, not before.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hyperseg.errors import UserError
from hyperseg.models.variants import ABLATIONS, VARIANTS, Variant
from hyperseg.rivals import Rival, rival_table

if TYPE_CHECKING:
    from hyperseg.models import HyperSeg
    from hyperseg.rivals.network import RivalNetwork

NetworkEntry = Variant | Rival


def network_ids() -> list[str]:
    """Ids of all networks: variants, ablations, rivals."""
    return [*VARIANTS, *ABLATIONS, *rival_table()]


def get_network(network: str) -> NetworkEntry:
    """The entry of that id; a :class:`UserError` names the known ones otherwise."""
    found: NetworkEntry | None = VARIANTS.get(network) or ABLATIONS.get(network) or rival_table().get(network)
    if found is None:
        raise UserError(f"unknown variant '{network}'; choose one of {', '.join(network_ids())}")
    return found


def recipe_of(network: str) -> str:
    """The variant whose released recipe trains a network: its own, that of the ablated variant, or the rivals'."""
    entry = get_network(network)
    return entry.recipe if isinstance(entry, Rival) else entry.ablation_of or entry.id


def create_network(
    network: str,
    weights: str | Path | None = None,
    pretrained_backbone: bool = False,
    num_classes: int | None = None,
    *,
    backbone: str | None = None,
    **options: Any,
) -> "HyperSeg | RivalNetwork":
    """A network of that id in training mode; arguments as for :func:`hyperseg.create_model`.

    A rival knows no ``slices``, ``stochastic_depth`` or ``dropout``: it is as its library makes it.
    """
    entry = get_network(network)
    if not isinstance(entry, Rival):
        from hyperseg.models import create_model

        return create_model(network, weights, pretrained_backbone, num_classes, backbone=backbone, **options)
    from hyperseg.models.weights import load_weights, read_weights_info
    from hyperseg.rivals.network import RivalNetwork

    if weights is not None:
        info = read_weights_info(weights)
        num_classes, backbone = num_classes or info.num_classes, backbone or info.backbone
    rival = RivalNetwork(entry, num_classes or entry.num_classes, backbone or entry.backbone)
    if weights is not None:
        load_weights(rival, weights)
    elif pretrained_backbone:
        rival.load_imagenet()
    return rival
