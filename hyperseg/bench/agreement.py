"""How often each engine's classes equal the plain float32 network's, on real images with trained weights."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from hyperseg.bench.networks import modes_of, ours, prepared, usable_engines
from hyperseg.bench.setting import Setting
from hyperseg.data.transforms import normalize
from hyperseg.errors import UserError
from hyperseg.models.network import class_map
from hyperseg.records.bench import BenchAgreement, BenchShare


def measure(variant: str, setting: Setting) -> BenchAgreement:
    """The share of equal pixels by engine, on the setting's images and with its weights."""
    assert setting.weights is not None
    assert setting.images is not None
    network = ours(variant, setting.weights)
    images = [i.to(setting.device) for i in read_images(setting.images, network.variant.eval_hw, setting.limit)]
    modes = modes_of(usable_engines(setting), setting.device)
    with torch.inference_mode():
        network = network.to(setting.device)
        shares = [
            BenchShare(name=name, percent=equal_percent(network, run, images))
            for name, run in prepared(network, images[0], setting, modes)
        ]
    return BenchAgreement(images=len(images), backbone=network.backbone_name, shares=shares)


def equal_percent(
    first: Callable[[Tensor], Tensor], second: Callable[[Tensor], Tensor], images: Iterable[Tensor]
) -> float:
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
    images = []
    for path in chosen:
        with Image.open(path) as opened:
            picture = opened.convert("RGB").resize((size[1], size[0]), Image.Resampling.BILINEAR)
        images.append(normalize(torch.from_numpy(np.array(picture))[None]).contiguous())
    return images
