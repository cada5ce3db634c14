"""The backbone: a timm EfficientNet with fixed "SAME" padding and reduced features.

timm's ``tf_efficientnet_*`` pads by the real input size, the released weights were trained with the padding fixed for
the backbone's ImageNet size. Where both give the same size they differ in which side of the map gets the extra line.
"""

from collections.abc import Sequence

import timm
import torch
from timm.layers import Conv2dSame
from timm.models.efficientnet import EfficientNet
from torch import Tensor, nn

from hyperseg.errors import UserError
from hyperseg.models.backbone_layers import FixedSameConv2d, Swish
from hyperseg.models.imagenet import IMAGENET_MEAN, IMAGENET_STD

NORM_EPS = 1e-3
NORM_MOMENTUM = 0.01


class Backbone(nn.Module):
    """Features of an image (B, 3, H, W) at /2, /4, /8, /16 and /32, and the head's map at /32 for the context head.

    ``scales`` are the features' channel scales, shallowest first; a feature of scale 1 is passed on untouched, another
    goes through a 1x1 convolution and batch norm to round(channels x scale). Raises :class:`UserError` for a name that
    is not a timm EfficientNet.
    """

    input_scale: Tensor
    input_shift: Tensor

    def __init__(self, name: str, scales: Sequence[float], stochastic_depth: float, dropout: float) -> None:
        super().__init__()
        net = _timm_efficientnet(name, stochastic_depth)
        self.name = name
        self.size: int = net.default_cfg["input_size"][-1]  # ImageNet size, in pixels
        info = net.feature_info.get_dicts() if hasattr(net.feature_info, "get_dicts") else net.feature_info
        stages = {stage["reduction"]: stage for stage in info}
        if sorted(stages) != [2, 4, 8, 16, 32]:
            raise UserError(f"backbone '{name}' has no features at /2 to /32; choose another timm EfficientNet")
        self.taps = [int(stages[r]["module"].removeprefix("blocks.")) for r in sorted(stages)]
        channels = [stages[r]["num_chs"] for r in sorted(stages)]

        self.conv_stem, self.bn1, self.blocks = net.conv_stem, net.bn1, net.blocks
        self.conv_head, self.bn2 = net.conv_head, net.bn2
        self.dropout = nn.Dropout(dropout)
        self.feature_channels = tuple(round(c * scale) for c, scale in zip(channels, scales, strict=True))
        self.signal_channels: int = net.conv_head.out_channels
        self.reduce = nn.ModuleList(
            nn.Identity()
            if scale == 1
            else nn.Sequential(nn.Conv2d(c, reduced, 1, bias=False), nn.BatchNorm2d(reduced))
            for c, reduced, scale in zip(channels, self.feature_channels, scales, strict=True)
        )
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps, module.momentum = NORM_EPS, NORM_MOMENTUM
        _fix_padding(self, self.size)
        _replace_swish(self)

        # Some backbones' ImageNet weights expect another normalization than ImageNet's usual mean and deviation.
        mean, std = net.default_cfg["mean"], net.default_cfg["std"]
        self.renormalize = tuple(mean) != IMAGENET_MEAN or tuple(std) != IMAGENET_STD
        scale = torch.tensor(IMAGENET_STD) / torch.tensor(std)
        shift = (torch.tensor(IMAGENET_MEAN) - torch.tensor(mean)) / torch.tensor(std)
        self.register_buffer("input_scale", scale.reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("input_shift", shift.reshape(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> tuple[list[Tensor], Tensor]:
        """The five features, shallowest first, and the head's map (B, signal_channels, H / 32, W / 32)."""
        x = image * self.input_scale + self.input_shift if self.renormalize else image
        x = self.bn1(self.conv_stem(x))
        features: list[Tensor] = []
        for index, stage in enumerate(self.blocks):
            x = stage(x)
            if index in self.taps:
                features.append(self.reduce[len(features)](x))
        return features, self.dropout(self.bn2(self.conv_head(x)))


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Lines to pad before and after a map of ``size`` for an output of ``ceil(size / stride)``."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _timm_efficientnet(name: str, stochastic_depth: float) -> EfficientNet:
    if not timm.is_model(name):
        raise UserError(f"backbone '{name}' is not a timm model; choose an EfficientNet such as tf_efficientnet_b1")
    try:
        net = timm.create_model(name, num_classes=0, drop_path_rate=stochastic_depth)
    except RuntimeError as error:  # an unknown tag
        raise UserError(f"backbone '{name}' is not known to timm: {error}; leave the tag out") from error
    if not isinstance(net, EfficientNet):
        raise UserError(f"backbone '{name}' is not one of timm's EfficientNets; choose one such as tf_efficientnet_b1")
    return net


def _fix_padding(backbone: Backbone, size: int) -> None:
    """Replace timm's input-dependent SAME convolutions, walking the map sizes of an ImageNet image.

    Convolutions that timm pads symmetrically stay: their weights were trained so.
    """
    for name, conv in list(backbone.named_modules()):
        if not isinstance(conv, nn.Conv2d) or conv.stride[0] == 1:
            continue
        kernel, stride = conv.kernel_size[0], conv.stride[0]
        if isinstance(conv, Conv2dSame):
            parent, _, leaf = name.rpartition(".")
            setattr(backbone.get_submodule(parent), leaf, FixedSameConv2d(conv, *same_padding(size, kernel, stride)))
        size = -(-size // stride)


def _replace_swish(module: nn.Module) -> None:
    """timm's Swish rounds once, in training too; see :class:`hyperseg.models.backbone_layers.Swish`."""
    for name, child in list(module.named_children()):
        if isinstance(child, nn.SiLU):
            setattr(module, name, Swish())
        else:
            _replace_swish(child)
