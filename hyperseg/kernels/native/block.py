"""One inverted residual block of the trunk in C++ (``trunk.cpp``)."""

import ctypes
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hyperseg.errors import UserError
from hyperseg.kernels.native.layers import (
    GROUP,
    LANES,
    RELU,
    SLACK,
    SWISH,
    Map,
    activation_code,
    bias_of,
    matrix_of,
    packed,
    pad_first,
    pointer,
    round_up,
)
from hyperseg.kernels.native.libraries import Block, trunk_library
from hyperseg.models.backbone import Backbone
from hyperseg.models.backbone_layers import FixedSameConv2d

_IMAGE, _COPY, _EXPAND = range(3)  # what enters the depthwise convolution; ``Source`` of ``trunk.cpp``
_TASKS = 16  # of a block at least, where its map is high enough: from shapes alone, as the order of sums follows


class NativeBlock:
    """An inverted residual block, or the stem with the first block: image (B, 3, H, W) or :class:`Map` to :class:`Map`.

    ``backbone`` is given for the first block alone. ``kept`` says that the answer must outlive the blocks after it.
    """

    def __init__(self, block: nn.Module, half: bool, backbone: Backbone | None, kept: bool) -> None:
        self.half = half
        self.kept = kept
        if _has(block, "conv_pw", "conv_dw", "conv_pwl"):  # timm's InvertedResidual
            self.source, projection = _EXPAND, cast(nn.Conv2d, block.conv_pwl)
        elif _has(block, "conv_dw", "conv_pw"):  # timm's DepthwiseSeparableConv
            self.source, projection = _COPY if backbone is None else _IMAGE, cast(nn.Conv2d, block.conv_pw)
        else:
            raise UserError(
                f"engine native has no kernel for blocks of the kind {type(block).__name__}; choose another engine"
            )
        self.activation = activation_code(cast(nn.Module, block.bn1))
        depthwise = cast(nn.Conv2d, block.conv_dw)
        plain = isinstance(block.aa, nn.Identity) and getattr(block, "conv_s2d", None) is None
        if not plain or depthwise.groups != depthwise.in_channels:
            raise UserError(
                "engine native has no kernel for blocks with blur, space to depth or groups; choose another engine"
            )
        self.inputs = self.mid = depthwise.in_channels
        self.residual = bool(block.has_skip)
        self.expand = self.expand_bias = None
        if self.source == _EXPAND:
            expansion = cast(nn.Conv2d, block.conv_pw)
            self.inputs = expansion.in_channels
            self.expand, self.expand_bias = packed(matrix_of(expansion), half), pad_first(bias_of(expansion), GROUP)
        elif backbone is not None:
            self._take_stem(backbone)
        taps, self.before = _taps(depthwise)
        self.kernel, self.stride = taps.shape[-1], depthwise.stride[0]
        if self.kernel not in (3, 5) or self.stride not in (1, 2):
            raise UserError(f"engine native has no kernel of size {self.kernel}; choose another engine")
        filters = pad_first(taps.reshape(self.mid, -1), LANES)
        self.filters = filters.reshape(-1, LANES, self.kernel**2).transpose(1, 2).contiguous()
        self.filters_bias = pad_first(bias_of(depthwise), GROUP)
        weights = F.pad(matrix_of(projection), (0, -self.mid % LANES))  # as many as the depthwise result has
        self.project = packed(weights, half, rounded=False)
        self.project_bias = pad_first(bias_of(projection), GROUP)
        self.outputs = projection.out_channels
        self.scaled = torch.empty_like(self.project, dtype=torch.bfloat16 if half else torch.float32)
        self._take_squeeze_excitation(cast(nn.Module, block.se))

    def _take_stem(self, backbone: Backbone) -> None:
        stem = backbone.conv_stem
        taps, self.stem_before = _taps(stem)
        if activation_code(backbone.bn1) != self.activation:
            raise UserError("engine native runs one activation throughout the backbone; choose another engine")
        self.stem_kernel, self.stem_stride = taps.shape[-1], stem.stride[0]
        self.expand = pad_first(taps.reshape(self.mid, -1), LANES).reshape(-1, LANES, taps[0].numel()).transpose(1, 2)
        self.expand = self.expand.contiguous()
        self.expand_bias = pad_first(bias_of(stem), GROUP)
        scale, shift = backbone.input_scale.flatten().tolist(), backbone.input_shift.flatten().tolist()
        self.normalize = (scale, shift) if backbone.renormalize else ([1.0] * 3, [0.0] * 3)

    def _take_squeeze_excitation(self, module: nn.Module) -> None:
        self.squeezed = 0
        self.gate: list[Tensor] = []
        if isinstance(module, nn.Identity):
            return
        usual = _has(module, "conv_reduce", "act1", "conv_expand", "gate")  # timm's SqueezeExcite
        if not usual or not isinstance(module.gate, nn.Sigmoid):
            raise UserError(f"engine native has no kernel for {type(module).__name__}; choose another engine")
        if activation_code(cast(nn.Module, module.act1)) != (SWISH if self.activation == SWISH else RELU):
            raise UserError("engine native has no kernel for such an activation of the gates; choose another engine")
        squeeze, excite = cast(nn.Conv2d, module.conv_reduce), cast(nn.Conv2d, module.conv_expand)
        self.squeezed = squeeze.out_channels
        columns = round_up(self.mid, LANES)
        self.gate = [
            F.pad(matrix_of(squeeze), (0, columns - self.mid)).contiguous(), bias_of(squeeze),
            F.pad(matrix_of(excite).t(), (0, columns - self.mid)).contiguous(), pad_first(bias_of(excite), LANES),
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
        groups, mid = round_up(self.mid, GROUP) // GROUP, round_up(self.mid, LANES)
        bands = min(max(1, -(-_TASKS // groups)), max(1, out_h // 8))
        band = -(-out_h // bands)
        mixed, partial = workspace.take(
            groups * (out_h * out_w + SLACK) * GROUP * (2 if self.half else 4), (bands + 2) * mid + self.squeezed
        )
        layer = Block(
            batch=batch, source=self.source, half=int(self.half), activation=self.activation,
            height=height, width=width, mid=mid, inputs=self.inputs,
            x=(x.data if isinstance(x, Map) else cast(Tensor, image)).data_ptr(),
            x_half=pointer(x.half) if isinstance(x, Map) else None,
            expand=pointer(self.expand), expand_bias=pointer(self.expand_bias),
            kernel=self.kernel, stride=self.stride, before=self.before, out_h=out_h, out_w=out_w,
            depthwise=self.filters.data_ptr(), depthwise_bias=self.filters_bias.data_ptr(),
            squeezed=self.squeezed, project=self.project.data_ptr(), project_bias=self.project_bias.data_ptr(),
            outputs=self.outputs, out_blocks=round_up(self.outputs, LANES) // LANES, residual=int(self.residual),
            scaled=self.scaled.data_ptr(), mixed=mixed, partial=partial, band=band,
            y=answer.data.data_ptr(), y_half=pointer(answer.half),
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
        self.mixed = torch.empty(0, dtype=torch.uint8, device="cpu")
        self.partial = torch.empty(0, dtype=torch.float32, device="cpu")
        self.maps: dict[tuple[object, ...], Map] = {}

    def map(self, shape: tuple[int, int, int, int], half: bool, x: Map | Tensor, owner: object) -> Map:
        """A map of ``shape`` (B, C, h, w) other than ``x``; no owner but ``owner``, where given, gets the same one."""
        keys: list[tuple[object, ...]] = [(*shape, owner, turn) for turn in range(2)]
        key = keys[0] if self.maps.get(keys[0]) is not x else keys[1]
        if key not in self.maps:
            self.maps[key] = Map.empty(*shape, half)
        return self.maps[key]

    def take(self, mixed_bytes: int, partial: int) -> tuple[int, int]:
        """Addresses of that many bytes and that many floats."""
        if self.mixed.numel() < mixed_bytes:
            self.mixed = torch.empty(mixed_bytes, dtype=torch.uint8, device="cpu")
        if self.partial.numel() < partial:
            self.partial = torch.empty(partial, dtype=torch.float32, device="cpu")
        return self.mixed.data_ptr(), self.partial.data_ptr()


def _has(module: nn.Module, *children: str) -> bool:
    """Whether the module has children of those names: timm names its layers, and keeps its blocks' classes private."""
    return all(isinstance(getattr(module, name, None), nn.Module) for name in children)


def _taps(convolution: nn.Conv2d) -> tuple[Tensor, int]:
    """Its taps, and the lines it pads before the map."""
    before = convolution.pads[0] if isinstance(convolution, FixedSameConv2d) else int(convolution.padding[0])
    return convolution.weight.detach().float(), before
