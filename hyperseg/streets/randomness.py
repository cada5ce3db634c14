"""Random numbers that are the same on every machine and for ever: a counter hashed by splitmix64.

The state of a stream is a key and a counter, so any image can be drawn without drawing those before it.
Source of the mixing function: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")

_MASK = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15
_MIX1 = 0xBF58476D1CE4E5B9
_MIX2 = 0x94D049BB133111EB


def derive_key(*parts: object) -> int:
    """A 64-bit key from the words of a path such as ``("streets", seed, split, index)``."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def random_bytes(key: int, count: int) -> NDArray[np.uint8]:
    """``count`` uniform bytes, uint8 (count,), from the key alone."""
    counter = np.arange(1, (count + 7) // 8 + 1, dtype=np.uint64)
    x = counter * np.uint64(_STEP) + np.uint64(key)
    x ^= x >> np.uint64(30)
    x *= np.uint64(_MIX1)
    x ^= x >> np.uint64(27)
    x *= np.uint64(_MIX2)
    x ^= x >> np.uint64(31)
    return x.astype("<u8", copy=False).view(np.uint8)[:count]


class Stream:
    """A stream of random numbers with a key of its own; streams of different keys are independent."""

    def __init__(self, key: int) -> None:
        self._key = key
        self._state = key

    def fork(self, *parts: object) -> Stream:
        """A new stream named by ``parts``; it does not depend on how much of this one was used."""
        return Stream(derive_key(self._key, *parts))

    def bits(self) -> int:
        """64 uniform bits."""
        self._state = x = (self._state + _STEP) & _MASK
        x = ((x ^ (x >> 30)) * _MIX1) & _MASK
        x = ((x ^ (x >> 27)) * _MIX2) & _MASK
        return x ^ (x >> 31)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """A float64 in [low, high)."""
        return low + (high - low) * ((self.bits() >> 11) * 2.0**-53)

    def integer(self, low: int, high: int) -> int:
        """An integer in [low, high)."""
        return low + ((self.bits() * (high - low)) >> 64)

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.uniform() < probability

    def choice(self, options: Sequence[T]) -> T:
        """One of the options, all equally likely."""
        return options[self.integer(0, len(options))]
