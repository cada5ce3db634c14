"""Slices of the signal: the published table, and the rule for other class counts and backbones."""

import pytest

from hyperseg.errors import UserError
from hyperseg.models.layout import divide_signal, generator_shapes, level_shapes
from hyperseg.models.variants import VARIANTS, Slices, get_variant

SKIPS = {  # channels of each level's skip, deepest first, with the published backbones
    "cityscapes_hyperseg_m": (80, 28, 10, 6, 16, 3),
    "cityscapes_hyperseg_s": (128, 28, 8, 4, 16, 3),
    "camvid_hyperseg_s": (80, 28, 10, 6, 4, 3),
    "camvid_hyperseg_l": (80, 28, 10, 6, 4, 3),
    "voc_hyperseg_l": (96, 34, 12, 8, 6, 3),
}
PUBLISHED = {
    "cityscapes_hyperseg_m": [(0, 416), (0, 224), (0, 128), (0, 192), (0, 320)],
    "cityscapes_hyperseg_s": [(0, 576), (576, 704), (704, 768), (768, 1280)],
    "camvid_hyperseg_s": [(0, 448), (0, 256), (0, 256), (0, 192), (0, 128)],
    "camvid_hyperseg_l": [(0, 384), (0, 192), (0, 256), (0, 192), (0, 128), (0, 128)],
    "voc_hyperseg_l": [(0, 592), (592, 864), (864, 1280), (1280, 1376), (1376, 1424), (1424, 1536)],
}


def slices(variant: str, reading: Slices, num_classes: int | None = None) -> list[tuple[int, int]]:
    published = get_variant(variant)
    levels = level_shapes(published, SKIPS[variant], num_classes or published.num_classes)
    signal = 1536 if variant == "voc_hyperseg_l" else 1280
    return [(g.begin, g.end) for g in generator_shapes(published, levels, signal, reading)]


@pytest.mark.parametrize("variant", VARIANTS)
def test_released_slices_are_the_published_ones(variant: str) -> None:
    assert slices(variant, "released") == PUBLISHED[variant]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("num_classes", [1, 11, 150])
def test_described_slices_follow_each_other_and_use_the_whole_signal(variant: str, num_classes: int) -> None:
    found = slices(variant, "described", num_classes)
    assert [begin for begin, _ in found] == [0, *(end for _, end in found[:-1])]
    assert found[-1][1] == (1536 if variant == "voc_hyperseg_l" else 1280)


@pytest.mark.parametrize(
    ("channels", "counts", "unit", "widths"),
    [
        (1280, (5248, 3008, 704, 2352, 4216), 32, [416, 224, 128, 192, 320]),  # the smallest takes what is left
        (96, (10, 10, 5), 8, [32, 32, 32]),  # equal counts share equally
        (40, (1000, 1, 1), 8, [24, 8, 8]),  # nobody goes without
    ],
)
def test_division_of_the_signal(channels: int, counts: tuple[int, ...], unit: int, widths: list[int]) -> None:
    assert divide_signal(channels, counts, unit) == widths


def test_a_signal_too_narrow_or_ragged_is_refused() -> None:
    with pytest.raises(UserError, match="gives 64 channels, which cannot be cut into 5 slices"):
        divide_signal(64, (5, 4, 3, 2, 1), 32)
    with pytest.raises(UserError, match="whole multiples of 64"):
        divide_signal(1312, (5, 4, 3), 64)
