"""The clock's boundary as a module: what runs between the input on the device and the answer."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hyperseg.latency.protocol import Stage
from hyperseg.models.decoder import resize
from hyperseg.models.network import class_map


class Staged(nn.Module):
    """A network followed by the stages inside the clock: (B, 3, H, W) to logits (B, C, h, w), or classes (B, H, W).

    Logits are upsampled bilinearly to the input size where `upsample` is inside and they are smaller; `argmax` gives
    the class of each pixel, int64.
    """

    def __init__(self, network: nn.Module, stages: Sequence[Stage]) -> None:
        super().__init__()
        self.network = network
        self.upsample = "upsample" in stages
        self.argmax = "argmax" in stages

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(images)
        if self.upsample:
            logits = resize(logits, images.shape[-2:])
        return class_map(logits) if self.argmax else logits


def inputs(batch: int, height: int, width: int, count: int) -> list[Tensor]:
    """`count` different generated inputs (B, 3, H, W), float32, of the mean and deviation of normalized images."""
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(batch, 3, height, width, generator=generator) for _ in range(count)]
