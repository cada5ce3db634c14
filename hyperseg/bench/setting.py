"""The options of a benchmark. Imports no torch."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

PartName = Literal["inference", "training", "agreement", "loading"]
ClockName = Literal["wall", "cpu"]


@dataclass(frozen=True)
class Setting:
    """One call of the benchmark; `say` gets what is left out, line by line."""

    authors: Path | None  # None: our own eager float32 is the baseline
    say: Callable[[str], None]
    device: Literal["cpu", "cuda"] = "cpu"
    engines: tuple[str, ...] = ()  # empty: all that are installed
    rounds: int = 7
    size: tuple[int, int] | None = None  # height and width of inference; None: the variant's own
    clock: ClockName = "wall"
    keep_memory: bool = False  # no contender returns freed memory to the system
    threads: int | None = None  # None: as torch chooses
    train_batch: int = 2
    train_size: int = 256  # side of the crop, pixels
    weights: Path | None = None  # trained weights of one variant, for the agreement
    images: Path | None = None  # folder of real images, for the agreement
    limit: int = 24  # images of the agreement
