"""Classes in colour, alone or laid over their picture."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hyperseg.data.description import ClassInfo

Colour = tuple[int, int, int]


def colour_table(classes: Sequence[ClassInfo], other: Colour) -> npt.NDArray[np.uint8]:
    """RGB of each label value, uint8 (256, 3): the classes' colours, and `other` for a value that is no class."""
    table = np.full((256, 3), other, np.uint8)
    table[: len(classes)] = [entry.colour for entry in classes]
    return table


def overlay(
    image: np.ndarray, indices: np.ndarray, classes: Sequence[ClassInfo], *, opacity: float, other: Colour | None = None
) -> npt.NDArray[np.uint8]:
    """The classes' colours over an image uint8 (H, W, 3); `indices` (H, W) are classes.

    A pixel of no class gets the colour `other`, or stays as it is.
    """
    colours = colour_table(classes, other or (0, 0, 0)).astype(np.float32)[indices]
    mixed = (opacity * colours + (1 - opacity) * image).round().astype(np.uint8)
    no_class = (indices >= len(classes))[..., None]
    return np.where(no_class, image if other is None else np.asarray(other, np.uint8), mixed)
