"""HyperSeg: backbone, context head, decoder."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hyperseg.errors import UserError
from hyperseg.models.backbone import Backbone
from hyperseg.models.context import ConstantSignal, ContextHead
from hyperseg.models.context_voc import VocContextHead
from hyperseg.models.decoder import Decoder, resize
from hyperseg.models.layout import generator_shapes, level_shapes
from hyperseg.models.variants import InputRule, Slices, Variant


@dataclass(frozen=True)
class BackboneWeights:
    """Where the backbone's ImageNet weights came from."""

    source: str  # package and version, or hub repository
    file: str  # file name, without a folder
    sha256: str


class HyperSeg(nn.Module):
    """Patch-wise hypernetwork for semantic segmentation (Nirkin, Wolf, Hassner, CVPR 2021).

    The backbone's features are skips of the decoder; its last map feeds the context head, whose signal generates the
    decoder's weights, one set for every 32 x 32 pixels of the image. Build it with :func:`hyperseg.create_model`.
    """

    def __init__(
        self,
        variant: Variant,
        num_classes: int,
        backbone: str,
        slices: Slices,
        stochastic_depth: float,
        dropout: float,
    ) -> None:
        super().__init__()
        self.variant = variant
        self.num_classes = num_classes
        self.backbone_name = backbone
        self.backbone_weights: BackboneWeights | None = None
        self.slices: Slices = slices
        self.backbone = Backbone(backbone, variant.feature_scales, stochastic_depth, dropout)
        signal = self.backbone.signal_channels
        if variant.context_levels == 1:  # the half that the entry layer gives
            signal //= 2
        levels = level_shapes(variant, (*self.backbone.feature_channels[::-1], 3), num_classes)
        generators = generator_shapes(variant, levels, signal, slices)
        self.context: nn.Module
        if variant.weights_per == "dataset":
            self.context = ConstantSignal()
            self.backbone.conv_head, self.backbone.bn2 = nn.Identity(), nn.Identity()  # nobody reads the head's map
        elif variant.decoder == "voc":
            self.context = VocContextHead(signal)
        else:
            width = max(generator.end for generator in generators)
            self.context = ContextHead(self.backbone.signal_channels, width, variant.context_levels)
        patch_cells = None if variant.weights_per == "image" else variant.patch_cells
        self.decoder = Decoder(levels, generators, patch_cells, variant.coordinates)

    def forward(self, x: Tensor | Sequence[Tensor]) -> Tensor:
        """Logits (B, classes, H, W) of an image batch (B, 3, H, W), normalized by ImageNet's mean and deviation.

        A list is a pyramid of the same images at several sizes: each is run plain and flipped left to right, the two
        logits are combined by maximum, brought to the first image's size, and averaged with the running result.
        Raises :class:`UserError` where a size does not fit; :func:`pad_to_fit` makes it fit.
        """
        if isinstance(x, Tensor) or not isinstance(x, Sequence):
            return self._run(x)
        result: Tensor | None = None
        for image in x:
            logits = torch.maximum(self._run(image), self._run(image.flip(-1)).flip(-1))
            logits = resize(logits, x[0].shape[-2:])
            result = logits if result is None else (result + logits) * 0.5
        if result is None:
            raise UserError("an empty list of images was given to the network; give at least one image batch")
        return result

    def _run(self, image: Tensor) -> Tensor:
        check_images(image)
        check_size(self.variant, image.shape[-2], image.shape[-1])
        features, head = self.backbone(image)
        skips = [*features[::-1], image][: len(self.decoder.levels)]
        return self.decoder.resize(self.decoder(skips, self.context(head)), image.shape[-2:])


def class_map(logits: Tensor) -> Tensor:
    """The class of the largest logit, the first of several: (B, C, H, W) to int64 (B, H, W), as ``argmax(1)``."""
    return logits.max(1).indices  # on a CPU a tenth of the time of PyTorch's argmax


def check_images(images: Tensor) -> None:
    """Raise :class:`UserError` unless `images` is a batch (B, 3, H, W) of floating-point values, B at least 1."""
    if not isinstance(images, Tensor):
        raise UserError(f"the network takes a tensor (B, 3, H, W), not a {type(images).__name__}; convert it first")
    if images.dim() != 4 or images.shape[0] == 0 or images.shape[1] != 3 or not images.is_floating_point():
        raise UserError(
            f"the network takes normalized images (B, 3, H, W) in floating point, not {images.dtype} "
            f"{tuple(images.shape)}; convert them first"
        )


def check_size(variant: InputRule, height: int, width: int) -> None:
    """Raise :class:`UserError`, naming the nearest sizes that fit, unless the network can run on height x width.

    Both must be multiples of the variant's unit; one unit by one unit is too small for most.
    """
    if variant.fits(height, width):
        return
    below, above = _nearest(variant, height, width)
    least = "" if variant.fits(variant.unit, variant.unit) else f" above {variant.unit} x {variant.unit}"
    nearest = f"{below[0]} x {below[1]} or {above[0]} x {above[1]}" if below != above else f"{above[0]} x {above[1]}"
    raise UserError(
        f"an image of height x width {height} x {width} does not fit {variant.id}, which needs multiples of "
        f"{variant.unit}{least}; resize or pad it to {nearest}"
    )


def pad_to_fit(variant: InputRule, image: Tensor) -> Tensor:
    """Pad (B, 3, H, W) with zeros, the mean colour, at the right and below to the next size that fits.

    Crop the logits back with ``[..., :H, :W]``.
    """
    height, width = image.shape[-2:]
    if variant.fits(height, width):
        return image
    above = _nearest(variant, height, width)[1]
    return nn.functional.pad(image, (0, above[1] - width, 0, above[0] - height))


def _nearest(variant: InputRule, height: int, width: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The largest fitting size that is not larger in either direction (else the smallest), and the next above."""
    unit = variant.unit
    above = (max(-(-height // unit), 1) * unit, max(-(-width // unit), 1) * unit)
    if not variant.fits(*above):
        above = (above[0], above[1] + unit)
    below = (height // unit * unit, width // unit * unit)
    return (below if variant.fits(*below) else above), above
