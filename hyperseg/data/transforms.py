"""Augmentation for segmentation: all random numbers are drawn first, then applied to both image and label.

The geometry is that of the plain pipeline (resize the whole image, crop, pad, flip), but only the pixels of the crop
are ever resized: Pillow's ``resize(box=...)`` filters across the box's border with the same coefficients as a resize of
the whole image, so the crop agrees with the plain pipeline's to two grey levels (rounding of the box's edges), at crop
borders too. Labels agree but where a sample falls exactly between two pixels, which Pillow decides by its rounding.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageEnhance

from hyperseg.data.description import IGNORED
from hyperseg.models.imagenet import IMAGENET_MEAN, IMAGENET_STD

Pixels = npt.NDArray[np.uint8]
HW = tuple[int, int]

BICUBIC_SUPPORT = 2.0
ENHANCERS = {
    "brightness": ImageEnhance.Brightness,
    "contrast": ImageEnhance.Contrast,
    "saturation": ImageEnhance.Color,
}


@dataclass(frozen=True)
class Augmentation:
    """The augmentation of a recipe. Sizes are (height, width) in pixels."""

    crop_hw: HW | None = None  # random crop; smaller images are placed at random in it
    pad_hw: HW | None = None  # padding on the right and bottom where there is no crop
    scale_range: tuple[float, float] = (1.0, 1.0)
    scale_probability: float = 0.5
    flip_probability: float = 0.5
    colour_jitter: float = 0.0  # one strength for brightness, contrast, saturation and hue
    rotation_degrees: float = 0.0
    rotation_label: int = IGNORED  # label of the area a rotation brings in
    colour_first: bool = False  # without a crop: flip and colour before the resize


@dataclass(frozen=True)
class Draw:
    """One sample's random choices: applying them is deterministic."""

    scaled_hw: HW
    corner_yx: tuple[int, int]  # the crop's corner in the scaled image; negative where that is smaller than the crop
    flip: bool
    jitter: tuple[tuple[str, float], ...]  # (operation, factor) in the order of application
    angle: float  # degrees, counter-clockwise


def draw(augmentation: Augmentation, hw: HW, rng: np.random.Generator, around: tuple[int, int] | None = None) -> Draw:
    """Draw the choices for an image of size `hw`, whose crop holds the pixel `around` (row, column) where one is given.

    Nothing else of the image decides a draw. A rotation comes after, and may turn that pixel out of the crop.
    """
    a = augmentation
    scale = float(rng.uniform(*a.scale_range)) if rng.random() < a.scale_probability else 1.0
    scaled = max(1, round(hw[0] * scale)), max(1, round(hw[1] * scale))
    corner = (0, 0)
    if a.crop_hw:
        first, last = [0, 0], [0, 0]
        for axis in (0, 1):
            slack = scaled[axis] - a.crop_hw[axis]
            first[axis], last[axis] = min(slack, 0), max(slack, 0)
            if around:
                place = int((around[axis] + 0.5) * scaled[axis] / hw[axis])
                first[axis] = max(first[axis], min(place - a.crop_hw[axis] + 1, last[axis]))
                last[axis] = max(first[axis], min(last[axis], place))
        corner = int(rng.integers(first[0], last[0] + 1)), int(rng.integers(first[1], last[1] + 1))
    flip = bool(rng.random() < a.flip_probability)
    jitter: list[tuple[str, float]] = []
    if a.colour_jitter:
        j = a.colour_jitter
        factors = {
            "brightness": rng.uniform(1 - j, 1 + j),
            "contrast": rng.uniform(1 - j, 1 + j),
            "saturation": rng.uniform(1 - j, 1 + j),
            "hue": rng.uniform(-j, j),
        }
        names = list(factors)
        jitter = [(names[i], float(factors[names[i]])) for i in rng.permutation(4)]
    angle = float(rng.uniform(-a.rotation_degrees, a.rotation_degrees)) if a.rotation_degrees else 0.0
    return Draw(scaled, corner, flip, tuple(jitter), angle)


def augment(image: Pixels, label: Pixels, augmentation: Augmentation, choices: Draw) -> tuple[Pixels, Pixels]:
    """Apply `choices` to an image (H, W, 3) and its label (H, W), both uint8.

    Returns the pair at `crop_hw`, at `pad_hw` (or larger, where the image is), or at the scaled size if neither is set.
    With a crop the order is resize, crop, flip, colour, as the released recipes have it. With a rotation or without a
    crop it is resize, flip, colour, rotate, then crop or pad; with `colour_first`, as the released VOC recipe has it,
    flip, colour, resize, rotate, pad.
    """
    a = augmentation
    if a.crop_hw and not a.rotation_degrees:
        image, label = _crop(image, label, choices.scaled_hw, choices.corner_yx, a.crop_hw)
        if choices.flip:
            image, label = np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(label[:, ::-1])
        return _jitter(image, choices.jitter), label

    if not a.colour_first:
        image, label = _crop(image, label, choices.scaled_hw, (0, 0), choices.scaled_hw)
    if choices.flip:
        image, label = np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(label[:, ::-1])
    image = _jitter(image, choices.jitter)
    if a.colour_first:
        image, label = _crop(image, label, choices.scaled_hw, (0, 0), choices.scaled_hw)
    if choices.angle:
        image = np.asarray(Image.fromarray(image).rotate(choices.angle, Image.Resampling.BICUBIC))
        label = np.asarray(
            Image.fromarray(label).rotate(choices.angle, Image.Resampling.NEAREST, fillcolor=a.rotation_label)
        )
    if a.crop_hw:
        return _crop(image, label, choices.scaled_hw, choices.corner_yx, a.crop_hw)
    if a.pad_hw:
        target = max(a.pad_hw[0], image.shape[0]), max(a.pad_hw[1], image.shape[1])
        return place(image, (0, 0), target, 0), place(label, (0, 0), target, IGNORED)
    return image, label


def _crop(image: Pixels, label: Pixels, scaled_hw: HW, corner: tuple[int, int], crop_hw: HW) -> tuple[Pixels, Pixels]:
    """The crop at `corner` of the image scaled to `scaled_hw`, padded with 0 (labels `IGNORED`) outside it."""
    top, left = max(corner[0], 0), max(corner[1], 0)
    bottom, right = min(corner[0] + crop_hw[0], scaled_hw[0]), min(corner[1] + crop_hw[1], scaled_hw[1])
    image_part = _resized_region(image, scaled_hw, top, left, bottom, right)
    label_part = _nearest_region(label, scaled_hw, top, left, bottom, right)
    if (bottom - top, right - left) == crop_hw:
        return image_part, label_part
    at = top - corner[0], left - corner[1]
    return place(image_part, at, crop_hw, 0), place(label_part, at, crop_hw, IGNORED)


def _resized_region(image: Pixels, scaled_hw: HW, top: int, left: int, bottom: int, right: int) -> Pixels:
    """Rows top..bottom, columns left..right of the image resized (bicubic, antialiased) to `scaled_hw`."""
    hw = image.shape[0], image.shape[1]
    if scaled_hw == hw:
        return np.array(image[top:bottom, left:right])
    ry, rx = hw[0] / scaled_hw[0], hw[1] / scaled_hw[1]
    # Only these source pixels can reach the region: its box and the filter's support around it.
    my, mx = math.ceil(BICUBIC_SUPPORT * max(ry, 1)) + 1, math.ceil(BICUBIC_SUPPORT * max(rx, 1)) + 1
    y0, x0 = max(math.floor(top * ry) - my, 0), max(math.floor(left * rx) - mx, 0)
    y1, x1 = min(math.ceil(bottom * ry) + my, hw[0]), min(math.ceil(right * rx) + mx, hw[1])
    part = Image.fromarray(np.ascontiguousarray(image[y0:y1, x0:x1]))
    # One axis after the other, as Pillow does for a whole image: its combined pass over a box is not exact everywhere.
    across = (left * rx - x0, 0, min(right * rx - x0, x1 - x0), y1 - y0)
    part = part.resize((right - left, y1 - y0), Image.Resampling.BICUBIC, box=across)
    down = (0, top * ry - y0, right - left, min(bottom * ry - y0, y1 - y0))
    return np.asarray(part.resize((right - left, bottom - top), Image.Resampling.BICUBIC, box=down))


def _nearest_region(label: Pixels, scaled_hw: HW, top: int, left: int, bottom: int, right: int) -> Pixels:
    """Rows top..bottom, columns left..right of the label resized (nearest) to `scaled_hw`."""
    if scaled_hw == label.shape:
        return np.array(label[top:bottom, left:right])
    rows = ((np.arange(top, bottom) + 0.5) * (label.shape[0] / scaled_hw[0])).astype(np.intp)
    columns = ((np.arange(left, right) + 0.5) * (label.shape[1] / scaled_hw[1])).astype(np.intp)
    return label[rows][:, columns]


def place(pixels: Pixels, corner: tuple[int, int], hw: HW, fill: int) -> Pixels:
    """A canvas of size `hw` filled with `fill`, holding `pixels` at `corner` (row, column)."""
    canvas: Pixels = np.full((*hw, *pixels.shape[2:]), fill, np.uint8)
    canvas[corner[0] : corner[0] + pixels.shape[0], corner[1] : corner[1] + pixels.shape[1]] = pixels
    return canvas


def _jitter(image: Pixels, operations: tuple[tuple[str, float], ...]) -> Pixels:
    """Colour changes, with the formulas of torchvision's ColorJitter on a Pillow image."""
    if not operations:
        return image
    picture = Image.fromarray(image)
    for name, factor in operations:
        picture = _shift_hue(picture, factor) if name == "hue" else ENHANCERS[name](picture).enhance(factor)
    return np.asarray(picture)


def _shift_hue(picture: Image.Image, turns: float) -> Image.Image:
    """Turn the hue by a fraction of the colour circle."""
    hue, saturation, value = picture.convert("HSV").split()
    shift = np.uint8(int(turns * 255) % 256)
    turned = Image.fromarray(np.asarray(hue) + shift)  # uint8 wraps around like the colour circle
    return Image.merge("HSV", (turned, saturation, value)).convert("RGB")


def normalize(
    batch: torch.Tensor,
    mean: tuple[float, float, float] = IMAGENET_MEAN,
    std: tuple[float, float, float] = IMAGENET_STD,
) -> torch.Tensor:
    """uint8 (B, H, W, 3) to float32 (B, 3, H, W), normalized, in channels-last memory (no transposing copy)."""
    scale, offset = _scale_and_offset(mean, std, batch.device)
    return torch.addcmul(offset, batch.float(), scale).permute(0, 3, 1, 2)


@cache
def _scale_and_offset(
    mean: tuple[float, ...], std: tuple[float, ...], device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cached on the device: a CUDA graph cannot capture a copy from the host."""
    scale = torch.tensor([1 / (255 * s) for s in std], device=device)
    return scale, torch.tensor([-m / s for m, s in zip(mean, std, strict=True)], device=device)
