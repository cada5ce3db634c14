"""Decoded pixels of a prepared dataset, kept on disk beside it so that an image is decoded once, not once per draw.

A training run draws each image hundreds of times, and decoding a PNG costs more than all augmentation. The cache holds
uncompressed arrays that are memory-mapped, so a crop reads only its own rows and all loading processes share the pages.
It lies beside the dataset folder, under its version, and may be deleted at any time.
"""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Literal

import numpy as np

from hyperseg.data.prepared import PreparedDataset, Sample, read_image, read_label

FOLDER = ".pixels"
READING = 2  # of the cache's format; raise it when `read_image` or `read_label` return other pixels
SHARE_OF_FREE_DISK = 0.25  # a cache that would take more is not made


class PixelSource:
    """Reads samples of one dataset as arrays, through the cache where there is one."""

    def __init__(self, void: Literal["ignore", "class"], cache: Path | None) -> None:
        self.void = void
        self.cache = cache

    def read(self, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
        """Image uint8 (H, W, 3) and label uint8 (H, W); read-only, possibly memory-mapped."""
        if self.cache is None:
            return read_image(sample), read_label(sample, self.void)
        stem = self.cache / sample.image.parent.parent.name / sample.name
        image_file, label_file = (
            stem.with_name(stem.name + ".image.npy"),
            stem.with_name(f"{stem.name}.{self.void}.npy"),
        )
        try:
            return np.load(image_file, mmap_mode="r"), np.load(label_file, mmap_mode="r")
        except (OSError, ValueError, EOFError):  # not there yet, or cut short by a full disk
            image, label = read_image(sample), read_label(sample, self.void)
            with suppress(OSError):  # a cache that cannot be written is only slower
                _save(image_file, image)
                _save(label_file, label)
            return image, label


def pixel_source(dataset: PreparedDataset, samples: list[Sample], void: Literal["ignore", "class"]) -> PixelSource:
    """A source with a cache where it may be written and is small beside the free disk, else one that decodes."""
    root = dataset.root.resolve()
    folder = root.parent / FOLDER / f"{dataset.id}-{dataset.version[:16]}-{READING}"
    if folder.is_dir():
        return PixelSource(void, folder if os.access(folder, os.W_OK) else None)
    if not samples or not os.access(root.parent, os.W_OK):
        return PixelSource(void, None)
    height, width = read_image(samples[0]).shape[:2]
    needed = 4 * height * width * len(samples)
    fits = needed < SHARE_OF_FREE_DISK * shutil.disk_usage(root.parent).free
    return PixelSource(void, folder if fits else None)


def _save(path: Path, array: np.ndarray) -> None:
    """Write an array atomically: another process sees the whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            np.save(file, np.ascontiguousarray(array))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
