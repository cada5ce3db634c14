"""How often two networks choose the same class, over the pixels of real images."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from hyperseg.errors import UserError
from hyperseg.models.imagenet import IMAGENET_MEAN, IMAGENET_STD
from hyperseg.models.network import class_map


def agreement(first: Callable[[Tensor], Tensor], second: Callable[[Tensor], Tensor], images: Iterable[Tensor]) -> float:
    """Share of pixels, in percent, with the same class in the logits (B, C, H, W) of both."""
    same = total = 0
    for image in images:
        equal = class_map(first(image)) == class_map(second(image))
        same += int(equal.sum())
        total += equal.numel()
    return 100 * same / total


def read_images(folder: Path, size: tuple[int, int], limit: int) -> list[Tensor]:
    """At most ``limit`` images of a folder, evenly spaced by name, normalized, each (1, 3, h, w)."""
    paths = sorted(p for p in folder.glob("*") if p.suffix.lower() in {".png", ".jpg", ".jpeg"})
    if not paths:
        raise UserError(f"there are no PNG or JPEG images in {folder}; give a folder of images")
    chosen = [paths[i] for i in np.linspace(0, len(paths) - 1, min(limit, len(paths))).round().astype(int)]
    mean, std = (torch.tensor(values).reshape(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    images = []
    for path in chosen:
        with Image.open(path) as opened:
            picture = opened.convert("RGB").resize((size[1], size[0]), Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1) / 255
        images.append(((pixels - mean) / std)[None])
    return images
