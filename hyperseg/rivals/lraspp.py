"""LR-ASPP's head of torchvision over timm's backbones: features /8 and /32, no dilation."""

from typing import TYPE_CHECKING, Any

from hyperseg.rivals.rival import Rival

if TYPE_CHECKING:
    from torch import nn


def _build(num_classes: int, backbone: str) -> "nn.Module":
    import timm
    from torch import nn
    from torchvision.models.segmentation.lraspp import LRASPPHead

    class LiteASPP(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = timm.create_model(backbone, features_only=True, out_indices=(2, 4))
            low, high = self.encoder.feature_info.channels()
            self.head = LRASPPHead(low, high, num_classes, 128)

        def forward(self, image: Any) -> Any:
            low, high = self.encoder(image)
            return self.head({"low": low, "high": high})

    return LiteASPP()


def _encoder(network: Any) -> "nn.Module":
    found: nn.Module = network.encoder
    return found


RIVALS = (Rival("lraspp", "torchvision", "torchvision", _build, _encoder),)
