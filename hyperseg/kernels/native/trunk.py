"""The trunk on a CPU as one C++ call per inverted residual block (``trunk.cpp``), in float32 or bfloat16.

A block's expanded map lives row by row in the cache of one core and its squeeze-excitation scales the projection's
weights, so that the maps which make a backbone slow on a CPU are never written to memory. In bfloat16 the 1x1
convolutions are products of rounded operands, on AMX tiles or by AVX512-BF16; all else stays in float32. For inference
alone.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hyperseg.errors import UserError
from hyperseg.kernels.inference import Trunk
from hyperseg.kernels.native.block import NativeBlock, Workspace
from hyperseg.kernels.native.layers import Map, NativePointwise
from hyperseg.kernels.native.libraries import trunk_library
from hyperseg.models.context import ConstantSignal, ContextHead
from hyperseg.models.context_voc import VocContextHead


class NativeTrunk(nn.Module):
    """In place of a fused network's trunk: image (B, 3, H, W), float32, to the skips, deepest first, and the signal.

    ``precision`` is 'float32' or 'bfloat16'; the answers are float32 either way, and their memory is overwritten by the
    next call; one thread at a time may call it. Raises :class:`UserError` for a backbone with blocks of another kind,
    where the CPU or the compiler is missing what ``precision`` needs, and for images of another kind.
    """

    def __init__(self, trunk: Trunk, precision: str) -> None:
        super().__init__()
        backbone, half = trunk.backbone, precision == "bfloat16"
        library = trunk_library()
        if half and not library.hyperseg_trunk_has_half():
            raise UserError(
                "engine native needs a CPU with AMX or AVX512-BF16 for bfloat16; choose another engine, or float32"
            )
        self.taps = backbone.taps
        untouched = [s for s, r in zip(backbone.taps, backbone.reduce, strict=True) if isinstance(r, nn.Identity)]
        self.stages = [
            [
                NativeBlock(block, half, backbone if (s, b) == (0, 0) else None, s in untouched and b == len(stage) - 1)
                for b, block in enumerate(stage)
            ]
            for s, stage in enumerate(backbone.blocks)
        ]
        self.reduce = [
            None
            if isinstance(reduce, nn.Identity)
            else NativePointwise(cast(nn.Conv2d, cast(nn.Sequential, reduce)[0]), None, half, last=True)
            for reduce in backbone.reduce
        ]
        headless = isinstance(trunk.context, ConstantSignal)
        self.head = None if headless else NativePointwise(backbone.conv_head, backbone.bn2, half)
        self.context = _context(trunk.context, half)
        self.workspace = Workspace()
        self.size: torch.Size | None = None

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        if image.device.type != "cpu" or image.dtype != torch.float32 or image.shape[1] != 3:
            raise UserError(
                f"engine native takes float32 images (B, 3, H, W) on the CPU, not {image.dtype} "
                f"{tuple(image.shape)} on {image.device}; convert them"
            )
        if image.shape != self.size:  # maps of another size are not kept
            self.size = image.shape
            self.workspace.maps.clear()
        x: Map | Tensor = image.resolve_neg()  # the memory of a negated view holds the other sign
        features: list[Tensor] = []
        for index, stage in enumerate(self.stages):
            for block in stage:
                x = block(x, self.workspace)
            if index in self.taps:
                reduce = self.reduce[len(features)]
                assert isinstance(x, Map)
                features.append((x if reduce is None else reduce(x)).view())
        assert isinstance(x, Map)
        if self.head is None:
            return (*features[::-1], image.new_ones(image.shape[0], 1, 1, 1))
        return (*features[::-1], self.context(self.head(x)))


class _Context:
    """:class:`ContextHead` on maps."""

    def __init__(self, context: ContextHead, half: bool) -> None:
        self.half = half
        self.entry = _layer(context.entry, half)
        self.down = _layer(context.down, half) if len(context.down) else None
        self.up = _layer(context.up, half) if len(context.up) else None

    def __call__(self, x: Map) -> Tensor:
        entry = self.entry(x)
        if self.down is None or self.up is None:
            return entry.view()
        deep = self.down(entry).view()
        mean = deep.mean((2, 3), keepdim=True).expand_as(deep)
        up = self.up(Map.of(torch.cat((deep, mean), dim=1), self.half)).view()
        return torch.cat((entry.view(), F.interpolate(up, scale_factor=2, mode="nearest")), dim=1)


class _VocContext:
    """:class:`VocContextHead` on maps."""

    def __init__(self, context: VocContextHead, half: bool) -> None:
        self.half = half
        self.down = [_layer(module, half) for module in context.down]
        self.up = [_layer(module, half) for module in context.up]

    def __call__(self, x: Map) -> Tensor:
        middle = self.down[0](x)
        deep = self.down[1](middle).view().mean((2, 3), keepdim=True)
        middle = self._join(middle, deep.expand(-1, -1, middle.height, middle.width), 1)
        return self._join(x, F.interpolate(middle.view(), scale_factor=2, mode="nearest"), 0).view()

    def _join(self, shallow: Map, deep: Tensor, level: int) -> Map:
        return self.up[level](Map.of(torch.cat((shallow.view(), deep), dim=1), self.half))


def _context(module: nn.Module, half: bool) -> "_Context | _VocContext | ConstantSignal":
    if isinstance(module, ConstantSignal):
        return module
    if isinstance(module, VocContextHead):
        return _VocContext(module, half)
    assert isinstance(module, ContextHead)
    if module.deeper is not None:
        raise UserError("engine native has no kernel for a context head of three levels; choose another engine")
    return _Context(module, half)


def _layer(module: nn.Module, half: bool) -> NativePointwise:
    """Of a convolution with its batch norm folded, and perhaps a ReLU."""
    assert isinstance(module, nn.Sequential)
    return NativePointwise(cast(nn.Conv2d, module[0]), module[2] if len(module) > 2 else None, half)
