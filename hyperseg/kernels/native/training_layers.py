"""Layers of a network that train by this package's kernels and by matrix products on a CPU.

Each takes the place of a plain layer, shares its parameters under the same names, and does what that layer does where
its kernel does not fit: in eval mode, on a GPU, in another precision, or on maps that are not channels last. That
layout is the sign of a batch that is large enough, see :mod:`hyperseg.kernels.native.training`.
"""

import torch
from timm.layers import BatchNormAct2d
from torch import Tensor, nn
from torch.nn import functional as F

from hyperseg.kernels.generators import grouped_product
from hyperseg.kernels.native import training_maps, training_norm
from hyperseg.kernels.native.training_norm import is_channels_last
from hyperseg.kernels.recast import recast
from hyperseg.models.backbone_layers import FixedSameConv2d, Swish
from hyperseg.models.decoder import WeightGenerator

_ACTIVATIONS = {Swish: "swish", nn.Identity: "none", nn.ReLU: "relu", nn.ReLU6: "relu6"}


class NativeSameConv2d(FixedSameConv2d):
    """A strided depthwise convolution with fixed padding."""

    def forward(self, x: Tensor) -> Tensor:
        if _depthwise_fits(self, x):
            return training_maps.depthwise(x, self.weight, self.stride[0], *self.pads[:2])
        return super().forward(x)


class NativeDepthwiseConv2d(nn.Conv2d):
    """A depthwise convolution, padded symmetrically."""

    def forward(self, x: Tensor) -> Tensor:
        if _depthwise_fits(self, x):
            pad = int(self.padding[0])
            return training_maps.depthwise(x, self.weight, self.stride[0], pad, pad)
        return super().forward(x)


class NativeNormActivation(BatchNormAct2d):
    """timm's batch norm with its activation, as one operator."""

    def forward(self, x: Tensor) -> Tensor:
        activation = _ACTIVATIONS.get(type(self.act))
        if activation is not None and lies_channels_last(x) and training_norm.fits(x, self):
            return training_norm.norm_activate(x, self, activation)
        return super().forward(x)


class NativeNorm(nn.BatchNorm2d):
    """A batch norm without activation. PyTorch's own, of channels-last maps, has ten times the rounding error."""

    def forward(self, x: Tensor) -> Tensor:
        if lies_channels_last(x) and training_norm.fits(x, self):
            return training_norm.norm_activate(x, self, "none")
        return super().forward(x)


class NativeExcite(nn.Module):
    """timm's squeeze and excitation: ``conv_reduce``, ``act1``, ``conv_expand`` and ``gate``."""

    conv_reduce: nn.Conv2d
    act1: nn.Module
    conv_expand: nn.Conv2d
    gate: nn.Module

    def forward(self, x: Tensor) -> Tensor:
        reduce, expand = self.conv_reduce, self.conv_expand
        usual = type(self.act1) is Swish and type(self.gate) is nn.Sigmoid
        if usual and self.training and lies_channels_last(x) and training_norm.trains_natively(x):
            assert reduce.bias is not None
            assert expand.bias is not None
            return training_maps.excite(x, reduce.weight.flatten(1), reduce.bias, expand.weight.flatten(1), expand.bias)
        gate: Tensor = self.gate(expand(self.act1(reduce(x.mean((2, 3), keepdim=True)))))
        return x * gate


class PointwiseProduct(nn.Conv2d):
    """A 1x1 convolution without groups: one product of all pixels."""

    def forward(self, x: Tensor) -> Tensor:
        if not _product_fits(self, x):
            return super().forward(x)
        return F.linear(x.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias).permute(0, 3, 1, 2)


class PatchProduct(nn.Conv2d):
    """A convolution whose stride is its kernel: one product of the patches."""

    def forward(self, x: Tensor) -> Tensor:
        if not _product_fits(self, x):
            return super().forward(x)
        batch, channels, height, width = x.shape
        k = self.kernel_size[0]
        cells = x.reshape(batch, channels, height // k, k, width // k, k).permute(0, 2, 4, 1, 3, 5)
        return F.linear(cells.flatten(3), self.weight.flatten(1), self.bias).permute(0, 3, 1, 2)


class GeneratorProduct(WeightGenerator):
    """A weight generator: a product for each of its groups."""

    def forward(self, signal: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        if not _product_fits(self, signal):
            return super().forward(signal)
        return grouped_product(self, signal)


def replace_layers(module: nn.Module) -> None:
    """Put the layers of this file in place of the plain ones under ``module``."""
    for name, child in list(module.named_children()):
        kind = _replacement(child)
        if kind is not None:
            setattr(module, name, recast(child, kind))
        replace_layers(getattr(module, name))


def _replacement(layer: nn.Module) -> type[nn.Module] | None:
    """The class of this file that does the work of ``layer``."""
    if type(layer) is BatchNormAct2d:
        return NativeNormActivation
    if type(layer) is nn.BatchNorm2d:
        return NativeNorm
    if type(layer) is WeightGenerator:
        return GeneratorProduct
    if all(hasattr(layer, name) for name in ("conv_reduce", "act1", "conv_expand", "gate")):
        return NativeExcite
    if type(layer) is FixedSameConv2d:
        return NativeSameConv2d
    if type(layer) is not nn.Conv2d:
        return None
    if layer.groups == layer.in_channels == layer.out_channels > 1:
        return NativeDepthwiseConv2d
    if layer.groups == 1 and layer.kernel_size == layer.stride and layer.padding == (0, 0):
        return PointwiseProduct if layer.kernel_size == (1, 1) else PatchProduct
    return None


def lies_channels_last(x: Tensor) -> bool:
    """Whether the map is channels last and not both layouts at once, as a map of one pixel is."""
    return is_channels_last(x) and not x.is_contiguous()


def _product_fits(module: nn.Module, x: Tensor) -> bool:
    return module.training and x.device.type == "cpu" and lies_channels_last(x) and not torch.compiler.is_compiling()


def _depthwise_fits(conv: nn.Conv2d, x: Tensor) -> bool:
    return (
        conv.training
        and conv.groups == conv.in_channels == conv.out_channels
        and conv.kernel_size[0] == conv.kernel_size[1]
        and conv.kernel_size[0] in training_maps.KERNELS
        and conv.stride in ((1, 1), (2, 2))
        and conv.dilation == (1, 1)
        and conv.bias is None
        and lies_channels_last(x)
        and training_norm.trains_natively(x)
        and conv.weight.dtype == torch.float32
    )
