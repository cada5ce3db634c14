"""Colour-coded label pictures to class indices, by one table look-up per pixel."""

import numpy as np
from PIL import Image

from hyperseg.data.description import IGNORED

Colour = tuple[int, int, int]
_UNKNOWN = 254  # never a label value: DatasetInfo allows 254 classes at most


class ColourMap:
    """Exact colours -> label values (0..253, or 255); every colour that is not listed counts as unknown.

    The table has one byte for each of the 2**24 colours, so a look-up costs the same for any number of classes.
    """

    def __init__(self, values: dict[Colour, int]) -> None:
        if any(value == _UNKNOWN or not 0 <= value <= IGNORED for value in values.values()):
            raise ValueError("label values are 0..253 or 255")
        self.values = dict(values)
        self._table = np.full(1 << 24, _UNKNOWN, np.uint8)
        for colour, value in values.items():
            self._table[_packed(colour)] = value

    def apply(self, picture: Image.Image) -> tuple[np.ndarray, dict[Colour, int]]:
        """Map a picture to label values, uint8 (H, W), and count the pixels of each unknown colour.

        Unknown pixels become 255 (ignored) in the label; whether that is acceptable is the caller's decision.
        """
        # RGBX is how the decoder lays pixels out: four bytes, read here as one little-endian number.
        packed = np.frombuffer(picture.convert("RGB").tobytes("raw", "RGBX"), "<u4") & 0xFFFFFF
        label = self._table[packed].reshape(picture.height, picture.width)
        wrong = label == _UNKNOWN
        if not wrong.any():
            return label, {}
        colours, counts = np.unique(packed.reshape(label.shape)[wrong], return_counts=True)
        label[wrong] = IGNORED
        return label, {_unpacked(int(colour)): int(count) for colour, count in zip(colours, counts, strict=True)}


def _packed(colour: Colour) -> int:
    return colour[0] | colour[1] << 8 | colour[2] << 16


def _unpacked(packed: int) -> Colour:
    return packed & 255, packed >> 8 & 255, packed >> 16
