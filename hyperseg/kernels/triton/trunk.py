"""The trunk as a list of kernel calls: image to the skips, deepest first, and the signal."""

from dataclasses import dataclass
from typing import cast

import torch
from timm.models._efficientnet_blocks import DepthwiseSeparableConv, InvertedResidual, SqueezeExcite
from torch import Tensor, nn

from hyperseg.errors import UserError
from hyperseg.kernels.inference import Trunk
from hyperseg.kernels.triton.activations import NONE, activation_code
from hyperseg.kernels.triton.context import context_launches
from hyperseg.kernels.triton.depthwise import depthwise_launch
from hyperseg.kernels.triton.excite import excite_launches
from hyperseg.kernels.triton.launch import Launch, ceil_div, round_up
from hyperseg.kernels.triton.products import product_launch
from hyperseg.kernels.triton.stem import stem_launch
from hyperseg.models.backbone import Backbone
from hyperseg.models.backbone_layers import FixedSameConv2d

Side = tuple[Tensor, Tensor, Tensor | None]
_KERNELS = (3, 5)


@dataclass
class Map:
    """A map with channels last: ``pixels`` (H * W, C)."""

    pixels: Tensor
    size: tuple[int, int]


class TrunkPlan:
    """The calls of a fused trunk for one image (3, H, W), and where they leave their answers.

    ``skips`` are maps, deepest first, whose channels are rounded up to 16, the last of them zeros; ``signal`` is
    (h * w, S) at /32. Raises :class:`UserError` for a backbone with layers that no kernel here computes.
    """

    def __init__(self, trunk: Trunk, image: Tensor, coarse: bool = False) -> None:
        backbone = trunk.backbone
        self.coarse = coarse
        self.launches: list[Launch] = []
        self._pending: tuple[nn.Module, Map] | None = None
        features: list[Tensor] = []
        x = self._stem(backbone, image)
        for index, stage in enumerate(backbone.blocks):
            for block in stage:
                x = self._block(block, x, self._side(x, backbone, features))
            if index in backbone.taps:
                self._pending = (backbone.reduce[len(features)], x)
        head = cast(nn.Conv2d, backbone.conv_head)
        x = self._product(head, backbone.bn2, x, side=self._side(x, backbone, features))
        launches, self.signal = context_launches(trunk.context, x.pixels, x.size, coarse)
        self.launches += launches
        self.skips = features[::-1]

    def _stem(self, backbone: Backbone, image: Tensor) -> Map:
        weight, bias, stride, before = convolution_of(backbone.conv_stem)
        normalize = (backbone.input_scale, backbone.input_shift) if backbone.renormalize else None
        launch, out = stem_launch(image, weight, bias, stride, before, activation_code(backbone.bn1), normalize)
        self.launches.append(launch)
        return Map(out, (ceil_div(image.shape[1], stride), ceil_div(image.shape[2], stride)))

    def _side(self, x: Map, backbone: Backbone, features: list[Tensor]) -> Side | None:
        """The reduction of the feature that ``x`` is, where it is one; a feature passed on is copied beside."""
        if self._pending is None:
            return None
        reduce, _ = self._pending
        self._pending = None
        channels = x.pixels.shape[1]
        if isinstance(reduce, nn.Identity):
            weight, bias = torch.eye(channels), None
        else:
            convolution = cast(nn.Conv2d, cast(nn.Sequential, reduce)[0])
            weight, bias = convolution.weight.flatten(1), convolution.bias
        features.append(x.pixels.new_empty(x.pixels.shape[0], round_up(weight.shape[0], 16)))
        return features[-1], weight.to(x.pixels.device), bias

    def _block(self, block: nn.Module, x: Map, side: Side | None) -> Map:
        """An inverted residual block, or the form without expansion."""
        if not isinstance(block, InvertedResidual | DepthwiseSeparableConv):
            raise UserError(
                f"engine triton has no kernel for blocks of the kind {type(block).__name__}; choose another engine"
            )
        entry = x
        if isinstance(block, InvertedResidual):
            x = self._product(cast(nn.Conv2d, block.conv_pw), block.bn1, x, side=side)
            norm, projection, last = block.bn2, cast(nn.Conv2d, block.conv_pwl), block.bn3
        else:
            if side is not None:
                self.launches.append(product_launch(x.pixels, *_beside(side), coarse=self.coarse))
            norm, projection, last = block.bn1, cast(nn.Conv2d, block.conv_pw), block.bn2
        convolution = cast(nn.Conv2d, block.conv_dw)
        plain = isinstance(block.aa, nn.Identity) and getattr(block, "conv_s2d", None) is None
        weight, bias, stride, before = convolution_of(convolution)
        channels, kernel = convolution.in_channels, weight.shape[-1]
        if not plain or convolution.groups != channels or kernel not in _KERNELS or stride not in (1, 2):
            raise UserError(
                f"engine triton has no kernel for a depthwise layer like {convolution}; choose another engine"
            )
        launch, pixels, sums = depthwise_launch(
            x.pixels, x.size, weight, bias, stride, before, activation_code(norm), self.coarse
        )
        self.launches.append(launch)
        x = Map(pixels, (ceil_div(x.size[0], stride), ceil_div(x.size[1], stride)))
        gate = self._excite(block.se, sums, x)
        return self._product(projection, last, x, gate=gate, residual=entry if block.has_skip else None)

    def _excite(self, module: nn.Module, sums: Tensor, x: Map) -> Tensor | None:
        if isinstance(module, nn.Identity):
            return None
        if not isinstance(module, SqueezeExcite) or not isinstance(module.gate, nn.Sigmoid):
            raise UserError(f"engine triton has no kernel for {type(module).__name__}; choose another engine")
        reduce, expand = (
            (layer.weight.flatten(1), cast(Tensor, layer.bias))
            for layer in (cast(nn.Conv2d, module.conv_reduce), cast(nn.Conv2d, module.conv_expand))
        )
        code = activation_code(module.act1)
        launches, gate = excite_launches(sums, x.size[0] * x.size[1], reduce, expand, code, x.pixels.dtype, self.coarse)
        self.launches += launches
        return gate

    def _product(
        self,
        convolution: nn.Conv2d,
        norm: nn.Module,
        x: Map,
        *,
        gate: Tensor | None = None,
        residual: Map | None = None,
        side: Side | None = None,
    ) -> Map:
        out = x.pixels.new_empty(x.pixels.shape[0], convolution.out_channels)
        code = activation_code(norm)
        if code != NONE and residual is not None:
            raise UserError(
                "engine triton has no kernel for an activation before a residual sum; choose another engine"
            )
        self.launches.append(
            product_launch(
                x.pixels, convolution.weight.flatten(1), convolution.bias, out, code,
                gate=gate, residual=None if residual is None else residual.pixels, side=side, coarse=self.coarse,
            )
        )  # fmt: skip
        return Map(out, x.size)


def convolution_of(module: nn.Module) -> tuple[Tensor, Tensor | None, int, int]:
    """Weight, bias, stride, and the lines padded before the map.

    A kernel whose first row and column are there to make the padding equal on all sides is cut to its odd size.
    """
    assert isinstance(module, nn.Conv2d)
    weight, stride = module.weight.detach(), module.stride[0]
    if isinstance(module, FixedSameConv2d):
        return weight, module.bias, stride, module.pads[0]
    before = int(module.padding[0])
    if weight.shape[-1] % 2 == 0:
        weight, before = weight[..., 1:, 1:], before - 1
    return weight, module.bias, stride, before


def _beside(side: Side) -> tuple[Tensor, Tensor | None, Tensor, int]:
    """The same map by a call of its own."""
    out, weight, bias = side
    return weight, bias, out, NONE
