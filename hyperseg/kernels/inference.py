"""The form of a network for inference alone: batch norms folded, the dead path cut off, trunk and decoder apart.

``fuse(model)`` gives a module of the same outputs, to float precision, that every engine starts from. Its *trunk* is a
plain convolutional network from the image to the skips and the signal, which any runtime runs well; its *decoder* holds
the patch-wise levels, whose batch norms are folded into the layers that generate their weights. An engine replaces
either part: the trunk by a compiled graph, the decoder by :class:`hyperseg.kernels.native.decoder.NativeDecoder`.
"""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hyperseg.errors import UserError
from hyperseg.kernels.batch_norm import fold_batch_norms, scale_and_shift
from hyperseg.kernels.operators import attach
from hyperseg.models.backbone import Backbone
from hyperseg.models.backbone_layers import FixedSameConv2d
from hyperseg.models.context import ContextHead
from hyperseg.models.decoder import Decoder, Level, Resize, WeightGenerator, resize
from hyperseg.models.layout import LevelShape
from hyperseg.models.network import HyperSeg, check_images, check_size
from hyperseg.models.patchwise import Patchwise
from hyperseg.models.variants import Variant


class Shift(nn.Module):
    """What is left of a folded batch norm: adds one number per channel to (N, C, H, W)."""

    shift: Tensor

    def __init__(self, shift: Tensor) -> None:
        super().__init__()
        self.register_buffer("shift", shift.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        return x + self.shift[:, None, None]


class Trunk(nn.Module):
    """Image (B, 3, H, W) to the skips, deepest first, and last the signal (B, S, H / 32, W / 32)."""

    def __init__(self, backbone: Backbone, context: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.context = context

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        features, head = self.backbone(image)
        return (*features[::-1], self.context(head))


class TrunkEntry(nn.Module):
    """The trunk's first part: image to the map at /2. Engines keep it in float32.

    Its rounding errors are those that count: on eight CamVid images at 384 x 512, 99.3 % of the pixels kept their class
    with the whole trunk in bfloat16, 99.8 % with this part and the one-by-one layers at the end in float32, and those
    layers alone made no difference.
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, image: Tensor) -> Tensor:
        backbone = self.backbone
        x = image * backbone.input_scale + backbone.input_shift if backbone.renormalize else image
        x = backbone.bn1(backbone.conv_stem(x))
        for stage in backbone.blocks[: backbone.taps[0] + 1]:
            x = stage(x)
        return x


class TrunkRest(nn.Module):
    """The trunk's second part: the entry's map at /2 to the skips, deepest first, and last the signal."""

    def __init__(self, backbone: Backbone, context: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.context = context

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        backbone = self.backbone
        features = [backbone.reduce[0](x)]
        for index in range(backbone.taps[0] + 1, len(backbone.blocks)):
            x = backbone.blocks[index](x)
            if index in backbone.taps:
                features.append(backbone.reduce[len(features)](x))
        return (*features[::-1], self.context(backbone.bn2(backbone.conv_head(x))))


def halves(trunk: Trunk) -> tuple[TrunkEntry, TrunkRest]:
    """The trunk in two parts, to be run in two precisions; the second part alone may be changed in place."""
    return TrunkEntry(copy.deepcopy(trunk.backbone)), TrunkRest(trunk.backbone, trunk.context)


class FusedHyperSeg(nn.Module):
    """A network for inference alone, made by :func:`fuse`; logits (B, C, H, W) of one image batch (B, 3, H, W).

    ``trunk``, ``decoder`` and ``resize``, from the decoder's logits to the image's size, may be replaced.
    """

    def __init__(self, variant: Variant, num_classes: int, trunk: nn.Module, decoder: nn.Module, levels: int) -> None:
        super().__init__()
        self.variant = variant
        self.num_classes = num_classes
        self.trunk = trunk
        self.decoder = decoder
        self.levels = levels
        self.resize: Resize = resize

    def forward(self, image: Tensor) -> Tensor:
        check_images(image)
        check_size(self.variant, image.shape[-2], image.shape[-1])
        *skips, signal = self.trunk(image)
        return self.resize(self.decoder([*skips, image][: self.levels], signal), image.shape[-2:])


def fuse_networks(network: nn.Module) -> tuple[nn.Module, list[FusedHyperSeg]]:
    """Every :class:`HyperSeg` inside ``network`` fused, in place, and the list of them; other modules stay."""
    if isinstance(network, HyperSeg):
        fused = fuse(network)
        return fused, [fused]
    found: list[FusedHyperSeg] = []
    for name, child in network.named_children():
        replaced, inside = fuse_networks(child)
        if inside:
            setattr(network, name, replaced)
            found += inside
    return network, found


def fuse(model: HyperSeg) -> FusedHyperSeg:
    """The inference form of ``model``, which stays as it is. Batch norms act as in eval mode."""
    model = copy.deepcopy(model).eval()
    model.requires_grad_(False)
    _fold_decoder(model.decoder)
    attach(model.decoder, Patchwise())
    model.decoder.resize = resize
    if isinstance(model.context, ContextHead) and model.context.dead_path:
        _cut_dead_path(model.context, max(generator.shape.end for generator in _generators(model.decoder)))
    trunk = Trunk(model.backbone, model.context)
    unit = model.variant.unit
    image = next(model.parameters()).new_zeros(1, 3, unit, 2 * unit)
    fold_batch_norms(trunk, image)
    return FusedHyperSeg(model.variant, model.num_classes, trunk, model.decoder, len(model.decoder.levels)).eval()


def refuse_tracing() -> None:
    """Raise :class:`UserError` in a trace, which would miss the kernels and keep one answer for every image."""
    if torch.jit.is_tracing() or torch.compiler.is_exporting():
        raise UserError("an accelerated network cannot be traced or exported; export the one it was made from")


def centre_padding(module: nn.Module) -> None:
    """Give strided convolutions with one line more after the map than before it a kernel one line larger, in place.

    The new first row and column are zero, and the padding is then equal on all sides, so that it needs no padded copy
    of the map: for runtimes on a CPU. On a GPU no fast depthwise kernel is of an even size, and a compiler joins the
    padding to the activation before it. Map sizes are even in every network that :func:`check_size` lets through.
    """
    for name, child in list(module.named_children()):
        if not isinstance(child, FixedSameConv2d):
            centre_padding(child)
            continue
        before, after = child.pads[0], child.pads[1]
        extra = after - before
        centred = nn.Conv2d(
            child.in_channels,
            child.out_channels,
            child.kernel_size[0] + extra,
            child.stride[0],
            padding=after,
            groups=child.groups,
            bias=child.bias is not None,
        )
        centred.weight = nn.Parameter(nn.functional.pad(child.weight, (extra, 0, extra, 0)), requires_grad=False)
        centred.bias = child.bias
        setattr(module, name, centred)


def _cut_dead_path(context: ContextHead, width: int) -> None:
    """Drop the layers that change no output, and the entry's channels from ``width`` on, which nobody reads."""
    convolution, norm = context.entry[0], context.entry[1]
    assert isinstance(convolution, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d | nn.Identity)
    convolution.weight = nn.Parameter(convolution.weight[:width].clone(), requires_grad=False)
    convolution.out_channels = width
    if isinstance(norm, nn.BatchNorm2d):
        for tensor in ("weight", "bias"):
            setattr(norm, tensor, nn.Parameter(getattr(norm, tensor)[:width].clone(), requires_grad=False))
        for tensor in ("running_mean", "running_var"):
            setattr(norm, tensor, getattr(norm, tensor)[:width].clone())
        norm.num_features = width
    elif convolution.bias is not None:
        convolution.bias = nn.Parameter(convolution.bias[:width].clone(), requires_grad=False)
    context.down = context.up = nn.Sequential()
    context.run_all = False


def _fold_decoder(decoder: Decoder) -> None:
    """Scale the generated weights by scaling the layers that generate them; a :class:`Shift` replaces each norm."""
    levels = [level for level in decoder.levels if isinstance(level, Level)]
    for generator in _generators(decoder):
        own = [torch.cat(_fold_level(levels.pop(0), generator.weight)) for _ in generator.shape.counts]
        surplus = generator.shape.outputs - sum(generator.shape.counts)
        own.append(own[0].new_zeros(surplus))
        generator.weight = nn.Parameter(generator.weight * torch.cat(own)[:, None, None, None], requires_grad=False)


def _fold_level(level: Level, weight: Tensor) -> list[Tensor]:
    """The factors of the level's weights in their flat order, (weights,) in parts; its norms become shifts.

    `weight` is that of the layer that generates them, on whose device they are.
    """
    factors = []
    for index, repeats in enumerate(_weights_per_channel(level.shape)):
        norm = level.norms[index]
        folded = scale_and_shift(norm)
        if folded is None:  # deleted, as a latency protocol may ask
            channels = level.shape.outputs if index == len(level.norms) - 1 else level.shape.hidden
            folded = weight.new_ones(channels), weight.new_zeros(channels)
        factors.append(folded[0].detach().repeat_interleave(repeats))
        level.norms[index] = Shift(folded[1])
    return factors


def _weights_per_channel(shape: LevelShape) -> Sequence[int]:
    """How many consecutive weights make one channel of each of the level's convolutions."""
    return (shape.inputs,) if shape.kind == "conv" else (shape.inputs, 9, shape.hidden)


def _generators(decoder: Decoder) -> list[WeightGenerator]:
    return [generator for generator in decoder.generators if isinstance(generator, WeightGenerator)]
