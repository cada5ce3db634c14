"""The context head of the VOC network, an earlier form: three levels, no entry layer, full width throughout."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hyperseg.models.context import area_mean, conv_norm_relu


class VocContextHead(nn.Module):
    """Three levels at /32, /64 and /128; the deepest map is replaced by its mean. Maps (B, C, h, w) to the same shape.

    Each upward step joins the shallower map and the deeper one, doubled by nearest neighbour, by a 1x1 convolution and
    batch norm; a ReLU follows except at the outermost level.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.down = nn.ModuleList(conv_norm_relu(channels, channels, kernel=2) for _ in range(2))
        self.up = nn.ModuleList((conv_norm_relu(2 * channels, channels)[:2], conv_norm_relu(2 * channels, channels)))

    def forward(self, x: Tensor) -> Tensor:
        middle = self.down[0](x)
        deep = area_mean(self.down[1](middle))
        middle = self.up[1](torch.cat((middle, F.interpolate(deep, scale_factor=2, mode="nearest")), dim=1))
        return self.up[0](torch.cat((x, F.interpolate(middle, scale_factor=2, mode="nearest")), dim=1))
