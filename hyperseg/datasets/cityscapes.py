"""Cityscapes fine annotations: label ids to the 19 train ids, everything else ignored."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hyperseg.data.description import IGNORED, ClassInfo, DatasetInfo
from hyperseg.data.offenders import first_ten
from hyperseg.data.prepared import read_index_png
from hyperseg.datasets.catalogue import Entry
from hyperseg.datasets.intake import Intake, write_label
from hyperseg.errors import UserError

SPLITS = ("train", "val", "test")
WITHHELD = ("test",)  # its label files are dummies that hold ignored regions only
_IMAGE = "_leftImg8bit.png"
_LABEL = "_gtFine_labelIds.png"

# label id -> class, colour, in train id order: cityscapesscripts.helpers.labels
_CLASSES: dict[int, tuple[str, tuple[int, int, int]]] = {
    7: ("road", (128, 64, 128)),
    8: ("sidewalk", (244, 35, 232)),
    11: ("building", (70, 70, 70)),
    12: ("wall", (102, 102, 156)),
    13: ("fence", (190, 153, 153)),
    17: ("pole", (153, 153, 153)),
    19: ("traffic light", (250, 170, 30)),
    20: ("traffic sign", (220, 220, 0)),
    21: ("vegetation", (107, 142, 35)),
    22: ("terrain", (152, 251, 152)),
    23: ("sky", (70, 130, 180)),
    24: ("person", (220, 20, 60)),
    25: ("rider", (255, 0, 0)),
    26: ("car", (0, 0, 142)),
    27: ("truck", (0, 0, 70)),
    28: ("bus", (0, 60, 100)),
    31: ("train", (0, 80, 100)),
    32: ("motorcycle", (0, 0, 230)),
    33: ("bicycle", (119, 11, 32)),
}
CLASSES = tuple(ClassInfo(name=name, colour=colour) for name, colour in _CLASSES.values())
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
    table[list(_CLASSES)] = np.arange(len(_CLASSES))
    return table


def prepare(entry: Entry, intake: Intake, out: Path) -> DatasetInfo:
    """Fill `out` with the pictures of all splits and the train ids of train and val. Raises UserError."""
    table = train_ids()

    def convert(frame: _Frame) -> Counter[int]:
        strange: Counter[int] = Counter()
        if frame.label:
            ids = read_index_png(frame.label)
            counts = np.bincount(ids.ravel(), minlength=256)
            strange.update({int(i): int(counts[i]) for i in np.flatnonzero(counts) if int(i) not in KNOWN_IDS})
            write_label(out, frame.split, frame.name, table[ids], CLASSES)
        intake.place(frame.image, out / frame.split / "images" / f"{frame.name}.png")
        return strange

    strange = sum(intake.each("labels", _frames(intake), convert), Counter[int]())
    if strange:
        listed = first_ten(f"{value} ({count} pixels)" for value, count in strange.most_common())
        raise UserError(f"labels hold ids that Cityscapes does not define: {listed}; get gtFine_trainvaltest.zip again")
    return DatasetInfo(
        id="cityscapes",
        title=entry.title,
        classes=CLASSES,
        unlabelled=WITHHELD,
        licence=entry.licence,
        citation=entry.citation,
        source="leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip",
    )


def _frames(intake: Intake) -> list[_Frame]:
    images = {path.name.removesuffix(_IMAGE): path for path in intake.pictures(".png") if path.name.endswith(_IMAGE)}
    labels = {path.name.removesuffix(_LABEL): path for path in intake.pictures(".png") if path.name.endswith(_LABEL)}
    if not images or not labels:
        lacking = "pictures (leftImg8bit_trainvaltest.zip)" if not images else "labels (gtFine_trainvaltest.zip)"
        raise UserError(f"{intake.roots[-1]} holds no Cityscapes {lacking}; put both zips there")
    frames = []
    for name, path in sorted(images.items()):
        split = path.parent.parent.name
        frames.append(_Frame(name, split, path, None if split in WITHHELD else labels.get(name)))
    nowhere = [frame.image.name for frame in frames if frame.split not in SPLITS]
    if nowhere:
        raise UserError(f"pictures outside train/, val/ and test/: {first_ten(nowhere)}; get the archive again")
    unpaired = [f"{f.name} (no label)" for f in frames if f.label is None and f.split not in WITHHELD]
    unpaired += [f"{name} (no picture)" for name in sorted(labels.keys() - images.keys())]
    if unpaired:
        raise UserError(f"Cityscapes pictures and labels do not pair up: {first_ten(unpaired)}; get both zips again")
    return frames
