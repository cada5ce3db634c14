"""The context head, a nested U-Net that turns the backbone's last map into the signal for the weights."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def conv_norm_relu(inputs: int, outputs: int, kernel: int = 1) -> nn.Sequential:
    """Convolution without bias (its stride is its kernel), batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride=kernel, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


def area_mean(x: Tensor) -> Tensor:
    """The mean of (B, C, H, W) over its area, broadcast back to that shape and memory layout."""
    return torch.empty_like(x).copy_(x.mean((2, 3), keepdim=True))


class ContextHead(nn.Module):
    """Two levels: at /32 and, through ``down`` and ``up``, at /64 with the mean of the whole image beside it.

    An ablation has one level, the entry alone, or three: a :class:`ContextLevel` at /128 in place of that mean.

    Maps (B, channels, h, w) at /32 to the signal (B, width, h, w): the entry's ``channels / 2`` maps, then as many of
    the up path. ``width`` is what the weight generators read. In the released reading of three variants they read the
    entry's half alone: then the down and up path changes no output and gets no gradient, and it is **not run**, neither
    in eval nor in training mode, where the published implementation still updates its running statistics. Its
    parameters are kept: they load and export. ``run_all`` runs it nevertheless, for counting.
    """

    def __init__(self, channels: int, width: int, levels: int = 2) -> None:
        super().__init__()
        half = channels // 2
        self.entry = conv_norm_relu(channels, half)
        self.down = conv_norm_relu(half, half, kernel=2) if levels > 1 else nn.Sequential()
        self.up = conv_norm_relu(channels, half) if levels > 1 else nn.Sequential()
        self.deeper = ContextLevel(half) if levels > 2 else None
        self.dead_path = width <= half
        self.run_all = False

    def forward(self, x: Tensor) -> Tensor:
        x = self.entry(x)
        if not len(self.down) or (self.dead_path and not self.run_all):
            return x
        deep = self.down(x)
        beside = area_mean(deep) if self.deeper is None else self.deeper(deep)
        deep = self.up(torch.cat((deep, beside), dim=1))
        return torch.cat((x, F.interpolate(deep, scale_factor=2, mode="nearest")), dim=1)


class ContextLevel(nn.Module):
    """One more level of the nested U-Net: (B, C, h, w) to the same shape, through h / 2 x w / 2 and its mean."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.down = conv_norm_relu(channels, channels, kernel=2)
        self.up = conv_norm_relu(2 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        deep = self.down(x)
        deep = self.up(torch.cat((deep, area_mean(deep)), dim=1))
        return F.interpolate(deep, scale_factor=2, mode="nearest")


class ConstantSignal(nn.Module):
    """Replaces the context head of static networks, whose decoder weights are learned once: the signal is 1."""

    def forward(self, x: Tensor) -> Tensor:
        """Any map (B, C, h, w) to ones (B, 1, 1, 1)."""
        return x.new_ones(x.shape[0], 1, 1, 1)
