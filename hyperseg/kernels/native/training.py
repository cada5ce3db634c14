"""Attach the kernels for training on a CPU to a network."""

from typing import Any

import torch
from torch import Tensor, nn

from hyperseg.kernels.native.training_layers import replace_layers
from hyperseg.kernels.native.training_levels import TrainingPatchwise, resize
from hyperseg.kernels.operators import attach
from hyperseg.models.network import HyperSeg

# A batch of so many pixels trains channels last, by kernels and products. They round otherwise than the published
# implementation, which a smaller batch would show: its deepest batch norms stand on so few pixels that a last bit
# becomes a percent of the gradient, and Adam's first steps make a sign of it.
LARGE_BATCH = 2 * 256 * 256


def attach_training(model: HyperSeg) -> None:
    """Put kernels in place of the model's layers, in place; its tensors keep their names and values.

    Large batches on a CPU then train several times as fast. A small batch, a GPU and eval mode run what they ran.
    """
    backbone = model.backbone
    if any(isinstance(level.operator, TrainingPatchwise) for level in model.decoder.levels):
        return
    for part in (backbone, model.context, model.decoder.generators):
        replace_layers(part)
    backbone.register_forward_pre_hook(_to_channels_last)
    backbone.register_forward_hook(_features_to_planes)
    attach(model.decoder, TrainingPatchwise())
    model.decoder.resize = resize


def _to_channels_last(backbone: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
    (image,) = inputs
    return (image.contiguous(memory_format=torch.channels_last),) if _is_large(backbone, image) else inputs


def _features_to_planes(backbone: nn.Module, inputs: tuple[Tensor], outputs: Any) -> Any:
    """The decoder cuts its patches from planes."""
    features, head = outputs
    return ([feature.contiguous() for feature in features], head) if _is_large(backbone, inputs[0]) else outputs


def _is_large(backbone: nn.Module, image: Tensor) -> bool:
    pixels = image.shape[0] * image.shape[2] * image.shape[3]
    return backbone.training and image.device.type == "cpu" and pixels >= LARGE_BATCH
