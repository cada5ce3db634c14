"""Augmentation: equal to the plain pipeline, which resizes the whole image and crops after."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import functional as tv

from hyperseg.data.transforms import Augmentation, Draw, augment, draw, normalize
from hyperseg.models.imagenet import IMAGENET_MEAN, IMAGENET_STD


def picture(hw: tuple[int, int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A smooth colour image with sharp edges, and a label of rectangles."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (9, 12, 3), np.uint8)
    image = np.array(Image.fromarray(small).resize(hw[::-1], Image.Resampling.BICUBIC))
    label = np.array(Image.fromarray(rng.integers(0, 12, (7, 9), np.uint8)).resize(hw[::-1], Image.Resampling.NEAREST))
    image[label == 3] = (255, 0, 40)
    return image, label


def plain(
    image: np.ndarray, label: np.ndarray, choices: Draw, crop_hw: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """The same choices by whole-image operations: resize everything, pad on all sides, crop, flip."""
    size = choices.scaled_hw[::-1]
    results = []
    for array, method, fill in ((image, Image.Resampling.BICUBIC, 0), (label, Image.Resampling.NEAREST, 255)):
        whole = np.asarray(Image.fromarray(array).resize(size, method))
        margins = [(c, c) for c in crop_hw] + [(0, 0)] * (array.ndim - 2)
        padded = np.pad(whole, margins, constant_values=fill)
        top, left = choices.corner_yx[0] + crop_hw[0], choices.corner_yx[1] + crop_hw[1]
        crop = padded[top : top + crop_hw[0], left : left + crop_hw[1]]
        results.append(crop[:, ::-1] if choices.flip else crop)
    return results[0], results[1]


@pytest.mark.parametrize("crop_hw", [(64, 96), (150, 150)])
def test_crop_equals_the_plain_pipeline(crop_hw: tuple[int, int]) -> None:
    augmentation = Augmentation(crop_hw=crop_hw, scale_range=(0.4, 2.0), scale_probability=0.8)
    image, label = picture((120, 160))
    scales = set()
    for seed in range(60):
        choices = draw(augmentation, (120, 160), np.random.default_rng(seed))
        scales.add(choices.scaled_hw)
        fast, fast_label = augment(image, label, augmentation, choices)
        slow, slow_label = plain(image, label, choices, crop_hw)
        assert fast.shape == (*crop_hw, 3)
        difference = np.abs(fast.astype(int) - slow.astype(int))
        assert difference.max() <= 2, choices
        assert (difference > 0).mean() < 0.02, choices
        # Where a sample falls exactly between two source pixels, Pillow's running sum decides by its rounding.
        certain = ~ties(choices, (120, 160), crop_hw)
        assert certain.any()
        assert np.array_equal(fast_label[certain], slow_label[certain]), choices
    assert len(scales) > 30


def ties(choices: Draw, hw: tuple[int, int], crop_hw: tuple[int, int]) -> np.ndarray:
    """Pixels of the crop whose nearest source pixel is a tie in rows or columns."""
    exact = []
    for corner, source, scaled, size in zip(choices.corner_yx, hw, choices.scaled_hw, crop_hw, strict=True):
        position = (np.arange(corner, corner + size) + 0.5) * source / scaled
        exact.append((np.abs(position - np.round(position)) < 1e-6) & (source != scaled))
    tied = exact[0][:, None] | exact[1][None, :]
    return tied[:, ::-1] if choices.flip else tied


def test_corner_keeps_the_crop_on_the_image_or_the_image_in_the_crop() -> None:
    augmentation = Augmentation(crop_hw=(100, 100), scale_range=(0.5, 2.0), scale_probability=1.0)
    for seed in range(200):
        choices = draw(augmentation, (100, 100), np.random.default_rng(seed))
        for corner, scaled in zip(choices.corner_yx, choices.scaled_hw, strict=True):
            low, high = sorted((0, scaled - 100))
            assert low <= corner <= high


def test_small_image_is_surrounded_by_zeros_and_ignored_labels() -> None:
    image, label = np.full((20, 30, 3), 200, np.uint8), np.full((20, 30), 4, np.uint8)
    augmentation = Augmentation(crop_hw=(64, 64))
    out, out_label = augment(image, label, augmentation, Draw((20, 30), (-10, -34), False, (), 0.0))
    assert (out_label[10:30, 34:64] == 4).all()
    assert (out_label == 4).sum() == 600
    assert (out_label == 255).sum() == 64 * 64 - 600
    assert (out[out_label == 255] == 0).all()
    assert (out[out_label == 4] == 200).all()


def test_probabilities_and_ranges_are_drawn() -> None:
    augmentation = Augmentation(crop_hw=(8, 8), scale_range=(0.5, 2.0), colour_jitter=0.25)
    draws = [draw(augmentation, (1000, 1000), np.random.default_rng(seed)) for seed in range(2000)]
    assert 0.45 < np.mean([d.flip for d in draws]) < 0.55
    scaled = np.array([d.scaled_hw[0] for d in draws])
    assert 0.45 < np.mean(scaled != 1000) < 0.55
    moved = scaled[scaled != 1000]
    assert moved.min() >= 500
    assert moved.max() <= 2000
    assert abs(moved.mean() - 1250) < 40  # uniform in scale
    assert {d.jitter[0][0] for d in draws} == {"brightness", "contrast", "saturation", "hue"}
    factors = np.array([dict(d.jitter)["contrast"] for d in draws])
    assert factors.min() >= 0.75
    assert factors.max() <= 1.25
    hues = np.array([dict(d.jitter)["hue"] for d in draws])
    assert hues.min() >= -0.25
    assert hues.max() <= 0.25


def test_colour_jitter_equals_torchvision() -> None:
    image, label = picture((40, 50))
    operations = (("hue", -0.2), ("contrast", 1.4), ("brightness", 0.6), ("saturation", 0.5), ("hue", 0.3))
    choices = Draw((40, 50), (0, 0), False, operations, 0.0)
    ours, _ = augment(image, label, Augmentation(crop_hw=(40, 50)), choices)
    theirs = Image.fromarray(image)
    for name, factor in operations:
        theirs = getattr(tv, f"adjust_{name}")(theirs, factor)
    assert np.array_equal(ours, np.asarray(theirs))


def test_padding_is_right_and_bottom_and_rotation_brings_in_its_label() -> None:
    image, label = np.full((40, 60, 3), 90, np.uint8), np.full((40, 60), 7, np.uint8)
    augmentation = Augmentation(pad_hw=(64, 64), rotation_degrees=30, rotation_label=0)
    still, still_label = augment(image, label, augmentation, Draw((40, 60), (0, 0), False, (), 0.0))
    assert (still_label[:40, :60] == 7).all()
    assert (still_label == 7).sum() == 2400
    assert (still_label[40:] == 255).all()
    assert (still[still_label == 255] == 0).all()
    _, turned = augment(image, label, augmentation, Draw((40, 60), (0, 0), False, (), 25.0))
    assert set(np.unique(turned[:40, :60])) == {0, 7}
    assert (turned[40:] == 255).all()
    assert turned[0, 0] == 0


def test_rotation_turns_image_and_label_alike() -> None:
    label = np.zeros((60, 80), np.uint8)
    label[10:25, 20:60] = 5
    image = np.where(label[..., None] == 5, 250, 10).repeat(3, 2).astype(np.uint8)
    augmentation = Augmentation(crop_hw=(60, 80), rotation_degrees=30)
    out, out_label = augment(image, label, augmentation, Draw((60, 80), (0, 0), True, (), -20.0))
    agree = (out[..., 0] > 130) == (out_label == 5)
    assert agree[out_label != 255].mean() > 0.99
    assert not np.array_equal(out_label, label[:, ::-1])


def test_normalize_equals_torchvision_in_channels_last_memory() -> None:
    image, _ = picture((32, 48))
    batch = torch.from_numpy(np.stack([image, image[::-1].copy()]))
    ours = normalize(batch)
    theirs = torch.stack([tv.normalize(tv.to_tensor(i.numpy()), IMAGENET_MEAN, IMAGENET_STD) for i in batch])
    assert ours.shape == (2, 3, 32, 48)
    assert ours.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)


def test_colour_first_is_flip_colour_resize_rotate_pad() -> None:
    """The released VOC order, by torchvision's operations on the whole picture."""
    image, label = picture((90, 120))
    settings = Augmentation(pad_hw=(80, 96), rotation_degrees=30, rotation_label=0, colour_first=True)
    choices = Draw((60, 80), (0, 0), True, (("contrast", 1.3), ("brightness", 0.7)), 20.0)
    ours = augment(image, label, settings, choices)
    first, second = Image.fromarray(image), Image.fromarray(label)
    first, second = tv.hflip(first), tv.hflip(second)
    first = tv.adjust_brightness(tv.adjust_contrast(first, 1.3), 0.7)
    first = first.resize((80, 60), Image.Resampling.BICUBIC).rotate(20.0, Image.Resampling.BICUBIC)
    second = second.resize((80, 60), Image.Resampling.NEAREST).rotate(20.0, Image.Resampling.NEAREST, fillcolor=0)
    assert np.abs(ours[0][:60, :80].astype(int) - np.asarray(first)).max() <= 2  # as every crop: see the module
    assert (ours[1][:60, :80] == np.asarray(second)).mean() > 0.999
    assert (ours[1][60:] == 255).all()
    assert ours[0].shape == (80, 96, 3)
    resized_first = augment(image, label, replace(settings, colour_first=False), choices)
    assert (resized_first[0] != ours[0]).any()
