"""The prepared dataset: one folder layout that every step reads, whatever the source was. Imports no torch.

::

    data/<id>/dataset.yaml                  id, title, classes, void, licence, citation, source
    data/<id>/<split>/images/NAME.<ext>     pictures
    data/<id>/<split>/labels/NAME.png       index PNGs: a class's value, the void value, or 255 (ignored)
    data/<id>/manifest.json                 sha256 and size of every file; `version` over all of them
    data/<id>/card.json                     what the dataset card shows; derived, so outside the version
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np

from hyperseg.data.description import DATASET_FILE, IGNORED, ClassInfo, DatasetInfo, read_info
from hyperseg.data.manifest import Manifest, check_sizes, read_manifest
from hyperseg.data.pictures import PictureError, read_indices, read_picture
from hyperseg.errors import UserError


@dataclass(frozen=True)
class Sample:
    """One picture and its label; `label` is None where labels are withheld."""

    name: str
    image: Path
    label: Path | None
    num_classes: int
    void: int | None


@dataclass(frozen=True)
class PreparedDataset:
    """A prepared folder that has been opened; `splits` gives the number of images of each split."""

    root: Path
    id: str
    title: str
    classes: tuple[ClassInfo, ...]
    void: int | None
    version: str
    splits: dict[str, int]
    info: DatasetInfo
    manifest: Manifest

    def samples(self, split: str) -> list[Sample]:
        """The samples of a split, sorted by name; ``train+val`` joins splits in the given order.

        Raises UserError for a split that the dataset does not have, and for one that is joined twice.
        """
        parts = split.split("+")
        twice = next((part for part in parts if parts.count(part) > 1), None)
        if twice is not None:
            raise UserError(f"split {split!r} holds {twice!r} twice, so its images would count twice; name it once")
        return [sample for part in parts for sample in self._samples(part)]

    def _samples(self, split: str) -> Iterator[Sample]:
        if split not in self.splits:
            known = ", ".join(self.splits)
            raise UserError(f"dataset {self.id} in {self.root} has no split {split!r}; its splits are {known}")
        prefix, labels = f"{split}/images/", f"{split}/labels/"
        # by name without the suffix, which may be .PNG
        label_of = {PurePosixPath(path).stem: path for path in self.manifest.files if path.startswith(labels)}
        for path in sorted(path for path in self.manifest.files if path.startswith(prefix)):
            name = PurePosixPath(path).stem
            label = self.root / label_of[name] if name in label_of else None
            yield Sample(name, self.root / path, label, len(self.classes), self.void)


def open_dataset(root: Path) -> PreparedDataset:
    """Open a prepared folder. Checks the description, the manifest's own arithmetic and the size of every file.

    The bytes are not hashed here, which ``hyperseg data verify`` does. Raises UserError.
    """
    info = read_info(root)
    manifest = read_manifest(root)
    if manifest.dataset != info.id:
        raise UserError(
            f"{root / 'manifest.json'} is of dataset {manifest.dataset}, but {DATASET_FILE} says {info.id}; "
            "prepare the dataset again"
        )
    check_sizes(root, manifest)
    return as_dataset(root, info, manifest)


def as_dataset(root: Path, info: DatasetInfo, manifest: Manifest) -> PreparedDataset:
    """The dataset of a description and a manifest."""
    return PreparedDataset(
        root, info.id, info.title, info.classes, info.void, manifest.version, manifest.splits, info, manifest
    )


def read_image(sample: Sample) -> np.ndarray:
    """The picture as uint8 RGB (H, W, 3), upright, as :func:`hyperseg.data.pictures.read_picture` gives it.

    Raises UserError for a file that is no picture.
    """
    try:
        return read_picture(sample.image)
    except PictureError as error:
        raise UserError(f"cannot read image {sample.image}: {error}; run `hyperseg data verify`") from error


def read_label(sample: Sample, void: Literal["ignore", "class"] = "ignore") -> np.ndarray:
    """The label as uint8 class indices (H, W); pixels without a class are 255.

    Void pixels become 255 ("ignore") or the class after the last ("class": CamVid as its benchmark's authors score
    it, with Void as the 12th class). Where void is 0, the values from 1 on are the classes. Raises UserError for a
    missing file or a value that is neither a class nor void.
    """
    if sample.label is None:
        raise UserError(f"image {sample.image} has no label: the labels of its split are withheld; take another split")
    values = read_index_png(sample.label)
    table = np.full(256, -1, np.int16)
    first = 1 if sample.void == 0 else 0
    table[first : first + sample.num_classes] = np.arange(sample.num_classes)
    table[IGNORED] = IGNORED
    if sample.void is not None:
        table[sample.void] = IGNORED if void == "ignore" else sample.num_classes
    label = table[values]
    if (label < 0).any():
        wrong = int(values[label < 0][0])
        raise UserError(f"label {sample.label} holds the value {wrong}, which is no class; run `hyperseg data verify`")
    return label.astype(np.uint8)


def read_index_png(path: Path) -> np.ndarray:
    """The stored values of a greyscale or palette PNG of 8 bits or fewer, uint8 (H, W). Raises UserError."""
    try:
        return read_indices(path)
    except PictureError as error:
        raise UserError(f"cannot read label {path}: {error}; run `hyperseg data verify`") from error
