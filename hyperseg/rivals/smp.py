"""Decoders of segmentation-models-pytorch over timm's backbones."""

from typing import TYPE_CHECKING, Any

from hyperseg.rivals.rival import Rival

if TYPE_CHECKING:
    from torch import nn


def _rival(rival: str, architecture: str) -> Rival:
    def build(num_classes: int, backbone: str) -> "nn.Module":
        import segmentation_models_pytorch as smp

        network: nn.Module = getattr(smp, architecture)(f"tu-{backbone}", encoder_weights=None, classes=num_classes)
        return network

    def encoder(network: Any) -> "nn.Module":
        found: nn.Module = network.encoder.model
        return found

    return Rival(rival, "segmentation-models-pytorch", "segmentation_models_pytorch", build, encoder)


RIVALS = (
    _rival("unet", "Unet"),
    _rival("fpn", "FPN"),
    _rival("deeplabv3plus", "DeepLabV3Plus"),
    _rival("pan", "PAN"),
    _rival("linknet", "Linknet"),
)
