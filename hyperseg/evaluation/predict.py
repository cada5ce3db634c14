"""From an image to class indices at its label's size, by an evaluation protocol."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from hyperseg.data.description import ClassInfo
from hyperseg.data.prepared import PreparedDataset
from hyperseg.data.reading import Reading
from hyperseg.data.transforms import normalize, place
from hyperseg.errors import UserError
from hyperseg.models.decoder import resize
from hyperseg.models.imagenet import IMAGENET_MEAN, IMAGENET_STD
from hyperseg.models.network import class_map

HALF = (0.5, 0.5, 0.5)


def network_input(image: np.ndarray, reading: Reading, input_hw: tuple[int, int]) -> Tensor:
    """The network's input float32 (1, 3, *input_hw) of an image uint8 (H, W, 3).

    "resize": antialiased, aspect ratio not kept; "pad": zeros on the right and bottom. Raises
    :class:`UserError` where an image to be padded is larger than `input_hw`.
    """
    if reading.geometry != "pad":
        filter_ = Image.Resampling.BICUBIC if reading.interpolation == "bicubic" else Image.Resampling.BILINEAR
        pixels = np.asarray(Image.fromarray(image).resize(input_hw[::-1], filter_))
    else:
        if image.shape[0] > input_hw[0] or image.shape[1] > input_hw[1]:
            raise UserError(
                f"an image of {image.shape[0]}x{image.shape[1]} does not fit the padded evaluation input "
                f"{input_hw[0]}x{input_hw[1]}; give a larger evaluation.input_hw"
            )
        pixels = place(image, (0, 0), input_hw, 0)
    mean, std = (IMAGENET_MEAN, IMAGENET_STD) if reading.normalization == "imagenet" else (HALF, HALF)
    return normalize(torch.from_numpy(np.array(pixels)).unsqueeze(0), mean, std)


@torch.inference_mode()
def predict(
    model: nn.Module,
    image: np.ndarray,
    label_hw: tuple[int, int],
    reading: Reading,
    input_hw: tuple[int, int],
    classes: int,
    device: torch.device,
) -> Tensor:
    """Class indices int64 (*label_hw), below `classes`: logits beyond the scored classes (Void's) do not compete.

    One forward pass of batch 1, and one of the mirror image where the reading flips; logits are upsampled bilinearly
    to the label's size (after cutting the padding off).
    """
    torch.backends.cudnn.allow_tf32 = False  # a GPU's convolutions are float32, as a CPU's are
    given = network_input(image, reading, input_hw).to(device)
    logits = model(given)[:, :classes].float()
    if reading.flip:
        logits = (logits + model(given.flip(3))[:, :classes].float().flip(3)) / 2
    if reading.geometry == "pad":
        logits = logits[:, :, : label_hw[0], : label_hw[1]]
    return class_map(resize(logits, label_hw))[0]


def scored_classes(dataset: PreparedDataset, reading: Reading) -> list[ClassInfo]:
    """The classes a protocol scores on a dataset, in index order; where void is one, it is last, black, "Void"."""
    scores_void = reading.void == "class" and dataset.void is not None
    return [*dataset.classes, *([ClassInfo(name="Void", colour=(0, 0, 0))] if scores_void else [])]


def check_outputs(outputs: int, dataset: PreparedDataset) -> None:
    """Raise :class:`UserError` unless the number of a network's outputs fits the dataset's classes.

    Where the dataset has void, a network may have an output for it or not: without one it never answers Void.
    """
    base = len(dataset.classes)
    allowed = {base, base + 1} if dataset.void is not None else {base}
    if outputs not in allowed:
        raise UserError(
            f"the network has {outputs} outputs, but dataset {dataset.id} has {base} classes"
            f"{' and void' if dataset.void is not None else ''}; evaluate it on the dataset it was trained for"
        )
