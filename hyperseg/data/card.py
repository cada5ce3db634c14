"""The statistics of a dataset (card.json), and warnings about its labels."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from pydantic import Field, ValidationError

from hyperseg.data.description import IGNORED, DatasetInfo
from hyperseg.data.manifest import CARD_FILE
from hyperseg.data.prepared import PreparedDataset, read_index_png
from hyperseg.errors import first_ten, printable
from hyperseg.processors import usable_cores
from hyperseg.strict import StrictModel


class SplitStatistics(StrictModel):
    images: int
    labelled: int
    sizes: dict[str, int] = Field(description="'<width>x<height>' -> images, the most frequent first, ten at most")


class ClassStatistics(StrictModel):
    index: int
    name: str
    colour: tuple[int, int, int]
    pixels: int
    share_percent: float = Field(description="of all pixels that have a class")
    images: int = Field(description="labels that contain the class")


class DatasetCard(StrictModel):
    """Statistics of a dataset; `version` is that of the manifest they were computed from."""

    dataset: str
    title: str
    version: str
    source: str
    licence: str
    citation: str
    notes: tuple[str, ...]
    splits: dict[str, SplitStatistics]
    classes: tuple[ClassStatistics, ...]
    void_percent: float = Field(description="of all label pixels")
    ignored_percent: float = Field(description="of all label pixels, void not counted")
    mean_rgb: tuple[float, float, float] = Field(description="over all pixels, 0 to 255")
    std_rgb: tuple[float, float, float]
    files: int
    bytes: int
    warnings: tuple[str, ...] = Field(default=(), description="what looks wrong; left out where nothing does")


def stored_card(dataset: PreparedDataset) -> DatasetCard | None:
    """The content of card.json if it belongs to the dataset's present version, else None."""
    try:
        card = DatasetCard.model_validate_json((dataset.root / CARD_FILE).read_bytes())
    except (OSError, ValidationError):
        return None
    return card if card.version == dataset.version else None


def warn_of_labels(dataset: PreparedDataset) -> None:
    """Write warnings about a dataset's labels to stderr, one line each, such as a class without a pixel.

    To be called before a training or an evaluation. Where there is no card, every label is read, on all cores.
    """
    card = stored_card(dataset)
    for sentence in card.warnings if card else class_warnings(dataset.info, _label_pixels(dataset)):
        print(f"warning: {dataset.root}: {printable(sentence)}", file=sys.stderr)


def absent_classes(info: DatasetInfo, pixels: np.ndarray) -> list[str]:
    """The classes without a pixel; `pixels` (256,) counts each label value."""
    values = zip(info.classes, info.label_values, strict=True)
    return [entry.name for entry, value in values if pixels[value] == 0]


def class_warnings(info: DatasetInfo, pixels: np.ndarray) -> list[str]:
    """One sentence if a class has no pixel, mostly because labels hold other values; `pixels` (256,) by label value.

    Another one where there is one class alone, whose mIoU says nothing.
    """
    if len(info.classes) == 1 and info.void is None:  # a void of its own may be scored as a class
        name = info.classes[0].name
        return [
            f"{name} is the only class, so every network answers it everywhere and scores 100 %; make what surrounds "
            "it a class too"
        ]
    absent, total = absent_classes(info, pixels), int(pixels.sum())
    if not absent or not total:
        return []
    which = f"class {absent[0]} has" if len(absent) == 1 else f"classes {first_ten(absent)} have"
    expected = ", ".join(
        f"{value} {entry.name}" for entry, value in zip(info.classes[:4], info.label_values, strict=False)
    )
    ignored = 100 * int(pixels[IGNORED]) / total
    if info.void != IGNORED and ignored >= 1:
        return [
            f"{which} no pixel in any label, and {ignored:.1f} % of all label pixels are 255, which means ignored: is "
            f"255 your class {absent[0]}? Labels hold the values {expected}; write those, or remove the class"
        ]
    void = ", as void is 0" if info.void == 0 else ""
    return [f"{which} no pixel in any label; labels hold the values {expected}{void}: check them, or remove the class"]


def _label_pixels(dataset: PreparedDataset) -> np.ndarray:
    """Pixels of each label value (256,), over all labels."""
    labels = [sample.label for split in dataset.splits for sample in dataset.samples(split) if sample.label]

    def count(path: Path) -> np.ndarray:
        return np.bincount(read_index_png(path).ravel(), minlength=256)

    with ThreadPoolExecutor(usable_cores()) as pool:
        return sum(pool.map(count, labels), np.zeros(256, np.int64))
