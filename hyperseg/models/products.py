"""Convolutions that train on a CPU as matrix products of channels-last maps.

Their parameters and answers are those of ``nn.Conv2d``, which runs everywhere else: PyTorch's own brings large filters
into another layout in both directions, and runs a grouped convolution one group after the other. A map that is channels
last is the sign of a batch that is large enough, see :data:`hyperseg.models.backbone.LARGE_BATCH`.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hyperseg.kernels.native.training_norm import is_channels_last


class PointwiseConv2d(nn.Conv2d):
    """A 1x1 convolution without groups: one product of all pixels."""

    def forward(self, x: Tensor) -> Tensor:
        if not trains_by_products(self, x):
            return super().forward(x)
        return F.linear(x.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias).permute(0, 3, 1, 2)


class PatchConv2d(nn.Conv2d):
    """A convolution whose stride is its kernel: one product of the patches."""

    def forward(self, x: Tensor) -> Tensor:
        if not trains_by_products(self, x):
            return super().forward(x)
        batch, channels, height, width = x.shape
        k = self.kernel_size[0]
        cells = x.reshape(batch, channels, height // k, k, width // k, k).permute(0, 2, 4, 1, 3, 5)
        return F.linear(cells.flatten(3), self.weight.flatten(1), self.bias).permute(0, 3, 1, 2)


class GroupedConv2d(nn.Conv2d):
    """A grouped 1x1 convolution without bias over the channels ``begin`` to ``end`` of a map: a product per group."""

    def __init__(self, begin: int, end: int, outputs: int, groups: int) -> None:
        super().__init__(end - begin, outputs, 1, groups=groups, bias=False)
        self.begin, self.end = begin, end

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, outputs, H, W)."""
        if not trains_by_products(self, x):
            return super().forward(x[:, self.begin : self.end])
        batch, _, height, width = x.shape
        pixels = x.permute(0, 2, 3, 1)[..., self.begin : self.end].reshape(batch * height * width, self.groups, -1)
        filters = self.weight.view(self.groups, self.out_channels // self.groups, -1)
        y = torch.bmm(pixels.transpose(0, 1), filters.transpose(1, 2)).transpose(0, 1)
        return y.reshape(batch, height, width, self.out_channels).permute(0, 3, 1, 2)


def trains_by_products(module: nn.Module, x: Tensor) -> bool:
    """Whether ``module`` is in training and ``x`` a channels-last map on a CPU."""
    return module.training and x.device.type == "cpu" and lies_channels_last(x) and not torch.compiler.is_compiling()


def lies_channels_last(x: Tensor) -> bool:
    """Whether the map is channels last and not both layouts at once, as a map of one pixel is."""
    return is_channels_last(x) and not x.is_contiguous()
