"""Preparing Cityscapes: label ids to the 19 train ids, everything else ignored."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hyperseg.data.description import IGNORED
from hyperseg.data.prepared import read_index_png
from hyperseg.datasets.intake import write_label
from hyperseg.datasets.published import Outcome, Preparation
from hyperseg.datasets.published.cityscapes import DATASET, SCORED
from hyperseg.errors import UserError, first_ten

SPLITS = ("train", "val", "test")
_IMAGE = "_leftImg8bit.png"
_LABEL = "_gtFine_labelIds.png"

KNOWN_IDS = frozenset({*range(34), IGNORED})  # 255 stands for -1, the licence plates


@dataclass(frozen=True)
class _Frame:
    name: str
    split: str
    image: Path
    label: Path | None


def train_ids() -> np.ndarray:
    """Label id -> train id, uint8 (256,); 255 for ids that are not scored."""
    table = np.full(256, IGNORED, np.uint8)
    table[list(SCORED)] = np.arange(len(SCORED))
    return table


def prepare_train_ids(preparation: Preparation) -> Outcome:
    """Fill the prepared folder with the pictures of all splits and the train ids of train and val. Raises UserError."""
    intake, out, table = preparation.intake, preparation.out, train_ids()

    def convert(frame: _Frame) -> np.ndarray:
        counts = np.zeros(256, np.int64)
        if frame.label:
            ids = read_index_png(frame.label)
            counts = np.bincount(ids.ravel(), minlength=256)
            write_label(out, frame.split, frame.name, table[ids], DATASET.classes)
        intake.place(frame.image, out / frame.split / "images" / f"{frame.name}.png")
        return counts

    counts = np.sum(intake.each("labels", _frames(preparation), convert), axis=0)
    strange = Counter({int(i): int(counts[i]) for i in np.flatnonzero(counts) if int(i) not in KNOWN_IDS})
    if strange:
        listed = first_ten(f"{value} ({count} pixels)" for value, count in strange.most_common())
        raise UserError(f"labels hold ids that Cityscapes does not define: {listed}; get gtFine_trainvaltest.zip again")
    if counts.any() and not counts[len(SCORED) : IGNORED].any():
        raise UserError(
            "the labelIds files hold no id above 18, so they seem to hold train ids; get gtFine_trainvaltest.zip again"
        )
    return Outcome("leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip")


def _frames(preparation: Preparation) -> list[_Frame]:
    intake = preparation.intake
    images = {path.name.removesuffix(_IMAGE): path for path in intake.pictures(".png") if path.name.endswith(_IMAGE)}
    labels = {path.name.removesuffix(_LABEL): path for path in intake.pictures(".png") if path.name.endswith(_LABEL)}
    if not images or not labels:
        lacking = "pictures (leftImg8bit_trainvaltest.zip)" if not images else "labels (gtFine_trainvaltest.zip)"
        raise UserError(f"{intake.place_name} holds no Cityscapes {lacking}; put both zips there")
    frames = []
    for name, path in sorted(images.items()):
        split = path.parent.parent.name
        frames.append(_Frame(name, split, path, None if split in DATASET.unlabelled else labels.get(name)))
    nowhere = [frame.image.name for frame in frames if frame.split not in SPLITS]
    if nowhere:
        raise UserError(f"pictures outside train/, val/ and test/: {first_ten(nowhere)}; get the archive again")
    unpaired = [f"{f.name} (no label)" for f in frames if f.label is None and f.split not in DATASET.unlabelled]
    unpaired += [f"{name} (no picture)" for name in sorted(labels.keys() - images.keys())]
    if preparation.partial:
        return [frame for frame in frames if frame.label or frame.split in DATASET.unlabelled]
    if unpaired:
        raise UserError(f"Cityscapes pictures and labels do not pair up: {first_ten(unpaired)}; get both zips again")
    return frames
