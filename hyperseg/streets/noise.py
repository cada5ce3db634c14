"""Tiling noise, made once per process in integer arithmetic and sampled by everything that needs a texture."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hyperseg.streets.randomness import derive_key, random_bytes

#: Rows and columns of every noise image; a power of two, so that ``index & (SIZE - 1)`` wraps.
SIZE = 512


@lru_cache(maxsize=8)
def fractal_noise(name: str, octaves: tuple[tuple[int, int], ...]) -> NDArray[np.uint8]:
    """Value noise, uint8 (SIZE, SIZE), that tiles, with all 256 levels about equally frequent.

    ``octaves`` lists (cells along a side, weight); cells are powers of two up to SIZE.
    """
    total = np.zeros((SIZE, SIZE), dtype=np.int64)
    for cells, weight in octaves:
        lattice = random_bytes(derive_key("streets noise", name, cells), cells * cells)
        total += weight * _stretch(lattice.reshape(cells, cells).astype(np.int64))
    total -= total.min()
    total = total * 4095 // total.max()
    counts = np.bincount(total.ravel(), minlength=4096)
    ranks = (np.cumsum(counts) - counts // 2) * 255 // (SIZE * SIZE)
    noise = ranks[total].astype(np.uint8)
    noise.flags.writeable = False
    return noise


def _stretch(lattice: NDArray[np.int64]) -> NDArray[np.int64]:
    """A lattice (n, n) interpolated smoothly to (SIZE, SIZE), wrapping at the edges; values times 2^16."""
    cells = lattice.shape[0]
    width = SIZE // cells
    position = np.arange(SIZE)
    near = position // width
    far = (near + 1) % cells
    t = (2 * (position % width) + 1) * 128 // width
    s = (t * t * (768 - 2 * t)) >> 16
    rows = lattice[near] * (256 - s)[:, None] + lattice[far] * s[:, None]
    return rows[:, near] * (256 - s) + rows[:, far] * s


def clouds() -> NDArray[np.uint8]:
    """Large soft shapes with fine edges."""
    return fractal_noise("clouds", ((4, 32), (8, 20), (16, 11), (32, 6), (64, 3), (128, 2)))


def grain() -> NDArray[np.uint8]:
    """Fine grain over faint patches: asphalt, stone, render."""
    return fractal_noise("grain", ((4, 4), (16, 3), (64, 4), (128, 6), (256, 9), (512, 11)))


def leaves() -> NDArray[np.uint8]:
    """Clumps of leaves."""
    return fractal_noise("leaves", ((16, 8), (32, 10), (64, 10), (128, 7), (256, 4)))
