"""Rare class sampling: how often a class is drawn, that its image has it, and that the crop holds a pixel of it."""

import numpy as np
import pytest

from hyperseg.data.rare_classes import RareClassSampling, pixel_of
from hyperseg.data.transforms import Augmentation, augment, draw
from hyperseg.errors import UserError


def labels() -> list[np.ndarray]:
    """Class 0 nearly everywhere, class 1 in a corner of the second image, class 2 in the third; 255 in the first."""
    pictures = [np.zeros((40, 60), np.uint8) for _ in range(3)]
    pictures[0][:5] = 255
    pictures[1][30:, 40:] = 1  # 200 pixels
    pictures[2][5, 7] = 2
    return pictures


@pytest.mark.parametrize("temperature", [0.02, 0.5])
def test_classes_are_drawn_by_the_published_rule(temperature: float) -> None:
    sampling = RareClassSampling(labels(), 3, temperature)
    total = 3 * 40 * 60 - 5 * 60
    share = np.array([total - 201, 200, 1]) / total
    expected = np.exp((1 - share) / temperature) / np.exp((1 - share) / temperature).sum()
    np.testing.assert_allclose(sampling.probability, expected, rtol=1e-9)
    rng = np.random.default_rng(0)
    drawn = [sampling.draw(rng) for _ in range(4000)]
    seen = np.bincount([chosen for _, chosen in drawn], minlength=3) / len(drawn)
    np.testing.assert_allclose(seen, expected, atol=0.03)
    assert {index for index, chosen in drawn if chosen == 1} == {1}
    assert {index for index, chosen in drawn if chosen == 2} == {2}  # fewer pixels than asked: nowhere are more


def test_a_tiny_temperature_draws_the_rarest_class_alone() -> None:
    assert RareClassSampling(labels(), 3, 1e-6).probability.tolist() == [0, 0, 1]


def test_labels_without_a_class_are_refused() -> None:
    with pytest.raises(UserError, match="rare_class_temperature"):
        RareClassSampling([np.full((4, 4), 255, np.uint8)], 3, 0.1)


@pytest.mark.parametrize("crop_hw", [(16, 24), (100, 30), (64, 96)])
def test_the_crop_holds_the_pixel_that_was_drawn(crop_hw: tuple[int, int]) -> None:
    label = labels()[2]
    label[5:8, 7:10] = 2
    image = np.repeat(label[..., None], 3, 2)
    augmentation = Augmentation(crop_hw=crop_hw, scale_range=(0.6, 2.0), scale_probability=0.8)
    corners = set()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        choices = draw(augmentation, (40, 60), rng, pixel_of(label, 2, rng))
        _, crop = augment(image, label, augmentation, choices)
        assert (crop == 2).any()
        for corner, scaled, size in zip(choices.corner_yx, choices.scaled_hw, crop_hw, strict=True):
            assert min(scaled - size, 0) <= corner <= max(scaled - size, 0)  # as without a pixel to hold
        corners.add(choices.corner_yx)
    assert len(corners) > 20


def test_without_a_pixel_the_draws_are_those_of_always() -> None:
    augmentation = Augmentation(crop_hw=(16, 24), scale_range=(0.6, 2.0))
    first, second = (draw(augmentation, (40, 60), np.random.default_rng(3), None) for _ in range(2))
    assert first == second == draw(augmentation, (40, 60), np.random.default_rng(3))
