"""From the canvas to a photograph: rain, the lens's softness, sensor noise."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from hyperseg.streets.canvas import Canvas
from hyperseg.streets.randomness import Stream, derive_key, random_bytes


def photograph(canvas: Canvas, weather: str, stream: Stream) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The image uint8 (H, W, 3) and the labels uint8 (H, W) of a painted canvas."""
    height, width = canvas.height, canvas.width
    channels = canvas.words.astype("<u4", copy=False).view(np.uint8).reshape(height, width, 4)
    labels = np.ascontiguousarray(channels[..., 3])
    # Each value becomes (left + weight * own + right), down then across, all in 16 bits.
    weight, shift = stream.choice(((2, 2), (6, 3), (6, 3)))
    source = np.empty((height + 2, width + 2, 3), dtype=np.uint16)
    source[1:-1, 1:-1] = channels[..., :3]
    source[0], source[-1] = source[1], source[-2]
    source[:, 0], source[:, -1] = source[:, 1], source[:, -2]
    down = source[1:-1] * np.uint16(weight)
    down += source[:-2]
    down += source[2:]
    soft = down[:, 1:-1] * np.uint16(weight)
    soft += down[:, :-2]
    soft += down[:, 2:]
    soft >>= np.uint16(2 * shift)
    if weather == "rain":
        _streaks(soft, stream)
    # Noise, 0..30 around 15, in eighths of a level; no value may fall below 0 when the offset goes.
    amount = stream.integer(2, 6)
    soft *= np.uint16(8)
    soft += _noise_rows(height, width * 3, stream).reshape(height, width, 3) * np.uint16(amount)
    lift = 15 * amount
    np.maximum(soft, np.uint16(lift), out=soft)
    soft -= np.uint16(lift)
    soft >>= np.uint16(3)
    np.minimum(soft, np.uint16(255), out=soft)
    return soft.astype(np.uint8), labels


@lru_cache(maxsize=1)
def _noise() -> NDArray[np.uint8]:
    """Sums of two random nibbles, uint8 (2^20,): cut at random places, row by row, they serve every picture."""
    pairs = random_bytes(derive_key("streets sensor"), 1 << 20)
    return (pairs & np.uint8(15)) + (pairs >> np.uint8(4))


def _noise_rows(rows: int, length: int, stream: Stream) -> NDArray[np.uint8]:
    """Noise uint8 (rows, length)."""
    starts = random_bytes(stream.bits(), rows * 4).astype("<u1").view("<u4") % np.uint32((1 << 20) - length)
    return sliding_window_view(_noise(), length)[starts]


def _streaks(image: NDArray[np.uint16], stream: Stream) -> None:
    """Slanting streaks of rain, in place: bright and short."""
    height, width, _ = image.shape
    count = 20 + height * width // 1700
    length = 3 + height // 30
    place = random_bytes(stream.bits(), count * 8).astype("<u1").view("<u4").reshape(count, 2).astype(np.int64)
    x, y = place[:, 0] % width, place[:, 1] % height
    for step in range(length):
        rows, columns = (y + step) % height, (x + step // 4) % width
        image[rows, columns] = (image[rows, columns] * np.uint16(3) + np.uint16(210)) >> np.uint16(2)
