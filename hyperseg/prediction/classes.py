"""Names and colours of a network's classes, from what is known of its weights."""

import colorsys
from collections.abc import Sequence

from hyperseg.data.description import ClassInfo
from hyperseg.datasets.published import find_published
from hyperseg.models.network import HyperSeg
from hyperseg.rivals.network import RivalNetwork


def classes_of(model: HyperSeg | RivalNetwork, dataset: str | None, known: Sequence[ClassInfo] = ()) -> list[ClassInfo]:
    """The classes that compete: those of `known` (a prepared dataset's), else of the published `dataset` that the
    network was trained on or its variant was published on, else numbers.

    An output beyond them is Void's and does not compete.
    """
    outputs = model.num_classes
    candidates = [list(known)]
    for name in (dataset, model.variant.dataset):
        published = find_published(name) if name else None
        candidates.append(list(published.classes) if published else [])
    for classes in candidates:
        if classes and len(classes) in (outputs, outputs - 1):
            return classes
    return [ClassInfo(name=f"class {i}", colour=_colour(i)) for i in range(outputs)]


def _colour(index: int) -> tuple[int, int, int]:
    """Hues a golden section apart: neighbours in the list look different."""
    red, green, blue = colorsys.hsv_to_rgb((index * 0.618034) % 1, 0.65, 0.95)
    return round(255 * red), round(255 * green), round(255 * blue)
