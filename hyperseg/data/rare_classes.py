"""Rare class sampling: crops drawn around the classes with few pixels.

Source: Hoyer, Dai, Van Gool, "DAFormer", CVPR 2022, section 3.2: a class is drawn with probability proportional to
exp((1 - f) / T), where f is its share of the labelled pixels, then an image that has it. There, crops are drawn again
until one has enough of the class; here the crop is drawn among those that hold one pixel of it.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from hyperseg.data.transforms import Pixels
from hyperseg.errors import UserError

MIN_PIXELS = 50  # pixels of a class that an image drawn for it must have, if any image has so many


class RareClassSampling:
    """Draws an image and a class in it. `labels` are the images' uint8 (H, W) in order; void is none of `classes`."""

    def __init__(self, labels: Iterable[Pixels], classes: int, temperature: float) -> None:
        counts = np.stack([np.bincount(label.ravel(), minlength=256)[:classes] for label in labels])
        there = counts.sum(0) > 0
        if not there.any():
            raise UserError(
                "no pixel that is trained on has a class; leave training.rare_class_temperature out or check the labels"
            )
        share = counts.sum(0) / counts.sum()
        exponent = np.where(there, (share[there].min() - share) / temperature, -np.inf)  # 0 for the rarest: no overflow
        self.probability: npt.NDArray[np.float64] = np.exp(exponent) / np.exp(exponent).sum()
        self.images = []
        for of_class in counts.T:
            enough = np.flatnonzero(of_class >= MIN_PIXELS)
            self.images.append(enough if len(enough) else np.flatnonzero(of_class))

    def draw(self, rng: np.random.Generator) -> tuple[int, int]:
        """The index of an image and one of its classes."""
        chosen = int(rng.choice(len(self.probability), p=self.probability))
        return int(rng.choice(self.images[chosen])), chosen


def pixel_of(label: Pixels, class_id: int, rng: np.random.Generator) -> tuple[int, int]:
    """Row and column of one pixel of a class that `label` (H, W) has."""
    places = np.flatnonzero(label.ravel() == class_id)
    row, column = divmod(int(rng.choice(places)), label.shape[1])
    return row, column
