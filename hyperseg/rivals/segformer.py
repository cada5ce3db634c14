"""SegFormer-B0 of transformers, on its own backbone and without ImageNet weights, which no package here brings."""

from typing import TYPE_CHECKING, Any

from hyperseg.rivals.rival import Rival

if TYPE_CHECKING:
    from torch import nn


def _build(num_classes: int, backbone: str) -> "nn.Module":
    from torch import nn
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    class Segformer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            # The configuration's defaults are SegFormer-B0 (MiT-B0, decoder width 256), so nothing is fetched.
            self.network = SegformerForSemanticSegmentation(SegformerConfig(num_labels=num_classes))

        def forward(self, image: Any) -> Any:
            return self.network(image).logits

    return Segformer()


RIVALS = (Rival("segformer_b0", "transformers", "transformers", _build, backbone="mit_b0"),)
