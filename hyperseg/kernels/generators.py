"""A weight generator as a batched matrix product."""

import torch
from torch import Tensor

from hyperseg.models.decoder import WeightGenerator


def grouped_product(generator: WeightGenerator, signal: Tensor) -> tuple[Tensor, ...]:
    """The generator's answer for a signal (B, S, gh, gw), a product for each group over the cells of the batch."""
    batch, _, height, width = signal.shape
    channels = signal.permute(0, 2, 3, 1)[..., generator.shape.begin : generator.shape.end]
    cells = channels.reshape(batch * height * width, generator.groups, -1)
    filters = generator.weight.view(generator.groups, generator.out_channels // generator.groups, -1)
    y = torch.bmm(cells.transpose(0, 1), filters.transpose(1, 2)).transpose(0, 1)
    return generator.divide(y.reshape(batch, height, width, generator.out_channels).permute(0, 3, 1, 2))
