"""The trunk on a CPU as one C++ call per inverted residual block (``native_trunk.cpp``), in float32 or bfloat16.

A block's expanded map lives row by row in the cache of one core and its squeeze-excitation scales the projection's
weights, so that the maps which make a backbone slow on a CPU are never written to memory. In bfloat16 the 1x1
convolutions are products of rounded operands on AMX tiles; all else stays in float32. For inference alone.
"""

import ctypes
from dataclasses import dataclass
from typing import cast

import torch
from timm.models._efficientnet_blocks import DepthwiseSeparableConv, InvertedResidual, SqueezeExcite
from torch import Tensor, nn
from torch.nn import functional as F

from hyperseg.errors import UserError
from hyperseg.models.backbone import Backbone
from hyperseg.models.backbone_layers import Swish
from hyperseg.models.context import ContextHead
from hyperseg.models.context_voc import VocContextHead
from hyperseg.models.fuse import Trunk
from hyperseg.models.native_layers import Block, Pointwise, trunk_library

_LANES, _GROUP = 16, 32  # channels of a vector; of a task, and of a block of a bfloat16 operand
_SLACK = 32  # pixels that a product may read past a map's end
_COPY, _EXPAND, _IMAGE = 1, 2, 0
_NONE, _SWISH, _RELU, _RELU6 = range(4)
_TASKS_PER_THREAD = 6


@dataclass(frozen=True)
class Map:
    """A map in channels-last memory, (B, h, w, C) contiguous, and its copy in bfloat16, channels padded to 32."""

    batch: int
    channels: int
    height: int
    width: int
    data: Tensor
    half: Tensor | None

    @classmethod
    def empty(cls, batch: int, channels: int, height: int, width: int, half: bool) -> "Map":
        pixels = batch * height * width
        data = torch.zeros(pixels * channels + _LANES)
        copy = torch.zeros((pixels + _SLACK) * _up(channels, _GROUP), dtype=torch.bfloat16) if half else None
        return cls(batch, channels, height, width, data, copy)

    @classmethod
    def of(cls, x: Tensor, half: bool) -> "Map":
        """A copy of (B, C, h, w)."""
        batch, channels, height, width = x.shape
        made = cls.empty(batch, channels, height, width, half)
        made.view().copy_(x)
        if made.half is not None:
            padded = _up(channels, _GROUP)
            rows = made.half[: batch * height * width * padded].view(batch, height, width, padded)
            rows[..., :channels].copy_(x.permute(0, 2, 3, 1))
        return made

    def view(self) -> Tensor:
        """(B, C, h, w) over the same memory."""
        pixels = self.batch * self.height * self.width
        shape = (self.batch, self.height, self.width, self.channels)
        return self.data[: pixels * self.channels].view(shape).permute(0, 3, 1, 2)

    def fits(self, batch: int, height: int, width: int) -> bool:
        return (self.batch, self.height, self.width) == (batch, height, width)


class NativePointwise:
    """A 1x1 convolution, or one whose stride is its kernel, with bias and activation: :class:`Map` to :class:`Map`.

    The answer's memory belongs to this object and is overwritten by its next call.
    """

    def __init__(self, convolution: nn.Conv2d, activation: nn.Module | None, half: bool, last: bool = False) -> None:
        weight = convolution.weight.detach().float()
        self.kernel = weight.shape[-1]
        assert self.kernel == 1 or convolution.stride[0] == self.kernel
        # A patch's channels lie next to each other, so the kernel's places are further input channels.
        self.weights = _pack(weight.permute(0, 2, 3, 1).reshape(weight.shape[0], -1), half)
        self.bias = _pad(_bias(convolution), _GROUP)
        self.inputs = self.kernel**2 * weight.shape[1]
        self.outputs = weight.shape[0]
        self.activation = _activation(activation)
        self.half = half
        self.half_answer = half and not last  # no product reads the last layer's answer
        self.answer: Map | None = None

    def __call__(self, x: Map) -> Map:
        if self.kernel > 1:
            x = Map.of(_patches(x.view(), self.kernel), self.half)
        if self.answer is None or not self.answer.fits(x.batch, x.height, x.width):
            self.answer = Map.empty(x.batch, self.outputs, x.height, x.width, self.half_answer)
        assert x.channels == self.inputs
        layer = Pointwise(
            pixels=x.batch * x.height * x.width, inputs=self.inputs, outputs=self.outputs,
            out_blocks=_up(self.outputs, _LANES) // _LANES, half=int(self.half), activation=self.activation,
            x=x.data.data_ptr(), x_half=_pointer(x.half), weights=self.weights.data_ptr(), bias=self.bias.data_ptr(),
            y=self.answer.data.data_ptr(), y_half=_pointer(self.answer.half),
        )  # fmt: skip
        trunk_library().hyperseg_trunk_pointwise(ctypes.byref(layer), torch.get_num_threads())
        return self.answer


class NativeBlock:
    """An inverted residual block, or the stem with the first block: image (B, 3, H, W) or :class:`Map` to :class:`Map`.

    ``backbone`` is given for the first block alone. ``kept`` says that the answer must outlive the blocks after it.
    """

    def __init__(self, block: nn.Module, half: bool, backbone: Backbone | None = None, kept: bool = False) -> None:
        self.half = half
        self.kept = kept
        if isinstance(block, InvertedResidual):
            self.source, projection = _EXPAND, cast(nn.Conv2d, block.conv_pwl)
        elif isinstance(block, DepthwiseSeparableConv):
            self.source, projection = _COPY if backbone is None else _IMAGE, cast(nn.Conv2d, block.conv_pw)
        else:
            raise UserError(
                f"engine native has no kernel for blocks of the kind {type(block).__name__}; choose another engine"
            )
        self.activation = _activation(block.bn1)
        depthwise = cast(nn.Conv2d, block.conv_dw)
        self.inputs = self.mid = depthwise.in_channels
        self.residual = bool(block.has_skip)
        self.expand = self.expand_bias = None
        if self.source == _EXPAND:
            expansion = cast(nn.Conv2d, block.conv_pw)
            self.inputs = expansion.in_channels
            self.expand, self.expand_bias = _pack(_matrix(expansion), half), _pad(_bias(expansion), _GROUP)
        elif backbone is not None:
            self._take_stem(backbone)
        taps, self.before = _trimmed(depthwise)
        self.kernel, self.stride = taps.shape[-1], depthwise.stride[0]
        if self.kernel not in (3, 5) or self.stride not in (1, 2):
            raise UserError(f"engine native has no kernel of size {self.kernel}; choose another engine")
        filters = _pad(taps.reshape(self.mid, -1), _LANES)
        self.filters = filters.reshape(-1, _LANES, self.kernel**2).transpose(1, 2).contiguous()
        self.filters_bias = _pad(_bias(depthwise), _GROUP)
        weights = F.pad(_matrix(projection), (0, -self.mid % _LANES))  # as many as the depthwise result has
        self.project = _pack(weights, half, rounded=False)
        self.project_bias = _pad(_bias(projection), _GROUP)
        self.outputs = projection.out_channels
        self.scaled = torch.empty(self.project.numel(), dtype=torch.bfloat16 if half else torch.float32)
        self._take_squeeze_excitation(block.se)

    def _take_stem(self, backbone: Backbone) -> None:
        stem = backbone.conv_stem
        taps, self.stem_before = _trimmed(stem)
        if _activation(backbone.bn1) != self.activation:
            raise UserError("engine native runs one activation throughout the backbone; choose another engine")
        self.stem_kernel, self.stem_stride = taps.shape[-1], stem.stride[0]
        self.expand = _pad(taps.reshape(self.mid, -1), _LANES).reshape(-1, _LANES, taps[0].numel()).transpose(1, 2)
        self.expand = self.expand.contiguous()
        self.expand_bias = _pad(_bias(stem), _GROUP)
        scale, shift = backbone.input_scale.flatten().tolist(), backbone.input_shift.flatten().tolist()
        self.normalize = (scale, shift) if backbone.renormalize else ([1.0] * 3, [0.0] * 3)

    def _take_squeeze_excitation(self, module: nn.Module) -> None:
        self.squeezed = 0
        self.gate: list[Tensor] = []
        if isinstance(module, nn.Identity):
            return
        if not isinstance(module, SqueezeExcite) or not isinstance(module.gate, nn.Sigmoid):
            raise UserError(f"engine native has no kernel for {type(module).__name__}; choose another engine")
        squeeze, excite = cast(nn.Conv2d, module.conv_reduce), cast(nn.Conv2d, module.conv_expand)
        self.squeezed = squeeze.out_channels
        columns = _up(self.mid, _LANES)
        self.gate = [
            F.pad(_matrix(squeeze), (0, columns - self.mid)).contiguous(), _bias(squeeze),
            F.pad(_matrix(excite).t(), (0, columns - self.mid)).contiguous(), _pad(_bias(excite), _LANES),
        ]  # fmt: skip

    def __call__(self, x: Map | Tensor, workspace: "Workspace") -> Map:
        image = x.contiguous() if isinstance(x, Tensor) else None
        height, width = (x.height, x.width) if isinstance(x, Map) else (
            x.shape[-2] // self.stem_stride, x.shape[-1] // self.stem_stride
        )  # fmt: skip
        batch = x.batch if isinstance(x, Map) else x.shape[0]
        out_h, out_w = -(-height // self.stride), -(-width // self.stride)
        answer = workspace.map((batch, self.outputs, out_h, out_w), self.half, x, self if self.kept else None)
        threads = torch.get_num_threads()
        groups, mid = _up(self.mid, _GROUP) // _GROUP, _up(self.mid, _LANES)
        bands = min(max(1, -(-threads * _TASKS_PER_THREAD // groups)), max(1, out_h // 8))
        band = -(-out_h // bands)
        mixed, partial = workspace.take(
            groups * (out_h * out_w + _SLACK) * _GROUP * (2 if self.half else 4), (bands + 2) * mid + self.squeezed
        )
        layer = Block(
            batch=batch, source=self.source, half=int(self.half), activation=self.activation,
            height=height, width=width, mid=mid, inputs=self.inputs,
            x=(x.data if isinstance(x, Map) else cast(Tensor, image)).data_ptr(),
            x_half=_pointer(x.half) if isinstance(x, Map) else None,
            expand=_pointer(self.expand), expand_bias=_pointer(self.expand_bias),
            kernel=self.kernel, stride=self.stride, before=self.before, out_h=out_h, out_w=out_w,
            depthwise=self.filters.data_ptr(), depthwise_bias=self.filters_bias.data_ptr(),
            squeezed=self.squeezed, project=self.project.data_ptr(), project_bias=self.project_bias.data_ptr(),
            outputs=self.outputs, out_blocks=_up(self.outputs, _LANES) // _LANES, residual=int(self.residual),
            scaled=self.scaled.data_ptr(), mixed=mixed, partial=partial, band=band,
            y=answer.data.data_ptr(), y_half=_pointer(answer.half),
        )  # fmt: skip
        if self.gate:
            layer.squeeze, layer.squeeze_bias, layer.excite, layer.excite_bias = (t.data_ptr() for t in self.gate)
        if self.source == _IMAGE:
            layer.image_h, layer.image_w = cast(Tensor, image).shape[-2:]
            layer.stem_kernel, layer.stem_stride = self.stem_kernel, self.stem_stride
            layer.stem_before = self.stem_before
            layer.scale[:], layer.shift[:] = self.normalize
        trunk_library().hyperseg_trunk_block(ctypes.byref(layer), threads)
        return answer


class Workspace:
    """The memory of a trunk's blocks: scratch for the one that runs, and maps that later blocks use again."""

    def __init__(self) -> None:
        self.mixed = torch.empty(0, dtype=torch.uint8)
        self.partial = torch.empty(0)
        self.maps: dict[tuple[object, ...], Map] = {}

    def map(self, shape: tuple[int, int, int, int], half: bool, x: Map | Tensor, owner: object) -> Map:
        """A map of ``shape`` (B, C, h, w) other than ``x``; no owner but ``owner``, where given, gets the same one."""
        if self.maps and next(iter(self.maps))[0] != shape[0]:
            self.maps.clear()
        keys: list[tuple[object, ...]] = [(*shape, owner, turn) for turn in range(2)]
        key = keys[0] if self.maps.get(keys[0]) is not x else keys[1]
        if key not in self.maps:
            self.maps[key] = Map.empty(*shape, half)
        return self.maps[key]

    def take(self, mixed_bytes: int, partial: int) -> tuple[int, int]:
        """Addresses of that many bytes and that many floats."""
        if self.mixed.numel() < mixed_bytes:
            self.mixed = torch.empty(mixed_bytes, dtype=torch.uint8)
        if self.partial.numel() < partial:
            self.partial = torch.empty(partial)
        return self.mixed.data_ptr(), self.partial.data_ptr()


class NativeTrunk(nn.Module):
    """In place of a fused network's trunk: image (B, 3, H, W), float32, to the skips, deepest first, and the signal.

    ``precision`` is 'float32' or 'bfloat16'; the answers are float32 either way, and their memory is overwritten by the
    next call. Raises :class:`UserError` for a backbone with blocks of another kind, and where ``precision`` or the
    compiler is missing.
    """

    def __init__(self, trunk: Trunk, precision: str) -> None:
        super().__init__()
        backbone, half = trunk.backbone, precision == "bfloat16"
        library = trunk_library()
        if half and not library.hyperseg_trunk_has_half():
            raise UserError("engine native needs a CPU with AMX for bfloat16; choose another engine, or float32")
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
        self.head = NativePointwise(backbone.conv_head, backbone.bn2, half)
        self.context = _context(trunk.context, half)
        self.workspace = Workspace()

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        x: Map | Tensor = image
        features: list[Tensor] = []
        for index, stage in enumerate(self.stages):
            for block in stage:
                x = block(x, self.workspace)
            if index in self.taps:
                reduce = self.reduce[len(features)]
                assert isinstance(x, Map)
                features.append((x if reduce is None else reduce(x)).view())
        assert isinstance(x, Map)
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


def _context(module: nn.Module, half: bool) -> "_Context | _VocContext":
    if isinstance(module, VocContextHead):
        return _VocContext(module, half)
    assert isinstance(module, ContextHead)
    return _Context(module, half)


def _layer(module: nn.Module, half: bool) -> NativePointwise:
    """Of a convolution with its batch norm folded, and perhaps a ReLU."""
    assert isinstance(module, nn.Sequential)
    return NativePointwise(cast(nn.Conv2d, module[0]), module[2] if len(module) > 2 else None, half)


def _patches(x: Tensor, kernel: int) -> Tensor:
    """(B, C, h, w) to (B, kernel * kernel * C, h / kernel, w / kernel): places of a patch first, then channels."""
    batch, channels, height, width = x.shape
    cells = x.reshape(batch, channels, height // kernel, kernel, width // kernel, kernel).permute(0, 3, 5, 1, 2, 4)
    return cells.reshape(batch, kernel * kernel * channels, height // kernel, width // kernel)


def _activation(module: nn.Module | None) -> int:
    if module is None or isinstance(module, nn.Identity):
        return _NONE
    for kind, code in ((Swish, _SWISH), (nn.SiLU, _SWISH), (nn.ReLU6, _RELU6), (nn.ReLU, _RELU)):
        if isinstance(module, kind):
            return code
    raise UserError(f"engine native has no kernel for {type(module).__name__}; choose another engine")


def _trimmed(convolution: nn.Conv2d) -> tuple[Tensor, int]:
    """Its taps without the leading zeros that an even kernel has here, and the lines it pads before the map."""
    taps, before = convolution.weight.detach().float(), int(convolution.padding[0])
    if taps.shape[-1] % 2 == 0:
        assert not taps[..., 0].any()
        assert not taps[..., 0, :].any()
        return taps[..., 1:, 1:], before - 1
    return taps, before


def _pack(matrix: Tensor, half: bool, rounded: bool = True) -> Tensor:
    """(N, K) as the products read it: (N / 16, K, 16), or in bfloat16 tiles of 16 pairs, 16 outputs, 2."""
    outputs, inputs = matrix.shape
    if not half:
        return _pad(matrix, _LANES).reshape(-1, _LANES, inputs).transpose(1, 2).contiguous()
    # Two blocks at a time are read, so their number is even.
    padded = F.pad(matrix, (0, -inputs % _GROUP, 0, -outputs % _GROUP))
    tiles = padded.reshape(-1, _LANES, padded.shape[1] // _GROUP, _LANES, 2).permute(0, 2, 3, 1, 4).contiguous()
    return tiles.to(torch.bfloat16) if rounded else tiles


def _matrix(convolution: nn.Conv2d) -> Tensor:
    return convolution.weight.detach().float().flatten(1)


def _bias(convolution: nn.Conv2d) -> Tensor:
    assert convolution.bias is not None, "batch norms are folded"
    return convolution.bias.detach().float().contiguous()


def _pad(x: Tensor, multiple: int) -> Tensor:
    """Zeros after the first axis up to a multiple."""
    extra = -x.shape[0] % multiple
    return torch.cat((x, x.new_zeros(extra, *x.shape[1:]))).contiguous() if extra else x.contiguous()


def _up(n: int, multiple: int) -> int:
    return -(-n // multiple) * multiple


def _pointer(x: Tensor | None) -> int | None:
    return None if x is None else x.data_ptr()
