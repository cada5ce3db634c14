"""Layers of the backbone: timm's, with padding fixed at construction, and with kernels of their own in training.

The kernels of :mod:`hyperseg.kernels.native` run on maps that are channels last, the layout that
:class:`hyperseg.models.backbone.Backbone` gives a batch that is large enough; elsewhere PyTorch's run.
"""

from typing import Any

import torch
from timm.layers import BatchNormAct2d
from timm.models._efficientnet_blocks import SqueezeExcite
from torch import Tensor, nn
from torch.nn import functional as F

from hyperseg.kernels.native import training_maps, training_norm
from hyperseg.models.products import PointwiseConv2d, lies_channels_last


class FixedSameConv2d(nn.Conv2d):
    """A convolution whose "SAME" padding was fixed at construction: ``before`` lines first, ``after`` last."""

    def __init__(self, conv: nn.Conv2d, before: int, after: int) -> None:
        super().__init__(
            conv.in_channels, conv.out_channels, conv.kernel_size[0], conv.stride[0], groups=conv.groups, bias=False
        )
        self.weight = conv.weight
        self.pads = (before, after, before, after)

    def forward(self, x: Tensor) -> Tensor:
        if _runs_natively(self, x):
            return training_maps.depthwise(x, self.weight, self.stride[0], *self.pads[:2])
        return super().forward(F.pad(x, self.pads))


class DepthwiseConv2d(nn.Conv2d):
    """timm's symmetrically padded depthwise convolution."""

    def forward(self, x: Tensor) -> Tensor:
        if _runs_natively(self, x):
            pad = int(self.padding[0])
            return training_maps.depthwise(x, self.weight, self.stride[0], pad, pad)
        return super().forward(x)


class NormActivation(BatchNormAct2d):
    """timm's batch norm with its activation."""

    def forward(self, x: Tensor) -> Tensor:
        activation = _ACTIVATIONS.get(type(self.act))
        if activation is not None and lies_channels_last(x) and training_norm.fits(x, self):
            return training_norm.norm_activate(x, self, activation)
        return super().forward(x)


class GatedExcite(SqueezeExcite):
    """timm's squeeze and excitation."""

    def forward(self, x: Tensor) -> Tensor:
        usual = type(self.act1) is Swish and type(self.gate) is nn.Sigmoid
        if not usual or not self.training or not lies_channels_last(x) or not training_norm.trains_natively(x):
            return super().forward(x)
        reduce, expand = self.conv_reduce, self.conv_expand
        return training_maps.excite(x, reduce.weight.flatten(1), reduce.bias, expand.weight.flatten(1), expand.bias)


class _SwishForTraining(torch.autograd.Function):
    """x * sigmoid(x) in two roundings; keeps x alone for the backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.sigmoid(x).mul_(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return torch.ops.aten.silu_backward(grad, x)


class Swish(nn.Module):
    """x * sigmoid(x).

    In training it rounds as the published implementation does. PyTorch's fused SiLU differs in the last bit, which the
    VOC network's deepest batch norm, over two pixels on small crops, amplifies to a percent of the gradient.
    """

    def forward(self, x: Tensor) -> Tensor:
        return _SwishForTraining.apply(x) if self.training else F.silu(x, inplace=not torch.is_grad_enabled())


_ACTIVATIONS = {Swish: "swish", nn.Identity: "none", nn.ReLU: "relu", nn.ReLU6: "relu6"}


def replace_layers(module: nn.Module) -> None:
    """Give timm's layers under ``module`` the forward passes of this file; parameters and names stay."""
    for name, child in module.named_children():
        if isinstance(child, nn.SiLU):
            setattr(module, name, Swish())
            continue
        if type(child) is BatchNormAct2d:
            child.__class__ = NormActivation
        elif type(child) is SqueezeExcite:
            child.__class__ = GatedExcite
        elif type(child) is nn.Conv2d and child.groups == child.in_channels == child.out_channels > 1:
            child.__class__ = DepthwiseConv2d
        elif type(child) is nn.Conv2d and child.kernel_size == child.stride == (1, 1) and child.groups == 1:
            child.__class__ = PointwiseConv2d
        replace_layers(child)


def _runs_natively(conv: nn.Conv2d, x: Tensor) -> bool:
    return (
        conv.training
        and conv.groups == conv.in_channels == conv.out_channels
        and conv.kernel_size[0] == conv.kernel_size[1]
        and conv.kernel_size[0] in training_maps.KERNELS
        and conv.stride in ((1, 1), (2, 2))
        and conv.dilation == (1, 1)
        and conv.bias is None
        and lies_channels_last(x)
        and training_norm.trains_natively(x, conv.weight)
    )
