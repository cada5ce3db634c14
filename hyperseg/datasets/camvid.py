"""CamVid at 960x720, from the Cambridge archives or the Kaggle re-pack, in either reading of its colours.

Both sources hold the pictures as ``NAME.png`` and the labels as ``NAME_L.png``. The re-pack has one folder per split
(``train/`` beside ``train_labels/``), which decide; the Cambridge archives have no splits, and the names of the SegNet
tutorial's do, as everywhere in the literature.
"""

import csv
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hyperseg.data.pictures import PictureError, picture_size, read_colours
from hyperseg.datasets.camvid_classes import COLOURS, authors_values, merged_values
from hyperseg.datasets.camvid_segnet import packaged_hashes
from hyperseg.datasets.colours import Colour, ColourMap
from hyperseg.datasets.intake import Intake, write_label
from hyperseg.datasets.published import Outcome, Preparation
from hyperseg.datasets.published.published import UnknownColours
from hyperseg.errors import UserError, first_ten

SPLITS = ("train", "val", "test")
_REPACK = "_kaggle"  # ends the ids of the re-pack's datasets


@dataclass(frozen=True)
class _Pair:
    name: str
    split: str
    image: Path
    label: Path


def prepare_merged(preparation: Preparation) -> Outcome:
    """Pictures and index labels of the 11 merged classes. Raises UserError."""
    outcome, _ = _prepare(preparation, merged_values())
    return outcome


def prepare_authors(preparation: Preparation) -> Outcome:
    """Pictures and index labels of the authors' 12 classes, Void being one. Raises UserError."""
    outcome, counts = _prepare(preparation, authors_values())
    share = 100 * counts[255] / counts.sum()
    note = f"The 20 named colours outside the 12 classes are ignored, not merged: {share:.2f} % of all pixels."
    return replace(outcome, notes=(*outcome.notes, note))


def _prepare(preparation: Preparation, values: dict[Colour, int]) -> tuple[Outcome, np.ndarray]:
    """The outcome, and the pixels of each label value (256,).

    A colour that is none of the 32 named ones is refused with its count and files, or ignored and noted.
    """
    intake, out, unknown = preparation.intake, preparation.out, preparation.unknown_colours
    pairs, repacked = _pairs(preparation)
    _check_class_table(intake)
    mapping, classes = ColourMap(values), preparation.dataset.classes

    def convert(pair: _Pair) -> tuple[dict[Colour, int], np.ndarray]:
        try:
            label, strange = mapping.apply(read_colours(pair.label))
            size = picture_size(pair.image)
        except PictureError as error:
            raise UserError(f"{pair.label} or its picture cannot be used: {error}; get the source again") from error
        if size != label.shape[::-1]:
            raise UserError(
                f"{pair.image.name} is {size[0]}x{size[1]} and its label {label.shape[1]}x{label.shape[0]}; get the "
                "source again"
            )
        write_label(out, pair.split, pair.name, label, classes)
        intake.place(pair.image, out / pair.split / "images" / pair.image.name)
        return strange, np.bincount(label.ravel(), minlength=256)

    results = intake.each("labels", pairs, convert)
    notes = _strange_notes(pairs, [strange for strange, _ in results], unknown)
    counts = np.sum([count for _, count in results], axis=0)
    if not repacked:
        return Outcome("Cambridge archives, split by the names of the SegNet tutorial", tuple(notes)), counts
    base = preparation.dataset.id.removesuffix(_REPACK)
    notes.append(
        f"The Kaggle re-pack with its own splits, hence the id {base}{_REPACK}: its numbers do not compare with those "
        f"of {base}, whose splits are other frames."
    )
    return Outcome("Kaggle re-pack carlolepelaars/camvid, its own splits", tuple(notes), base + _REPACK), counts


def _pairs(preparation: Preparation) -> tuple[list[_Pair], bool]:
    """Every picture with its label and split, sorted, and whether the source is the Kaggle re-pack."""
    intake = preparation.intake
    labels: dict[str, Path] = {}
    images: dict[str, Path] = {}
    for path in intake.pictures(".png"):
        kind, name = (labels, path.stem[:-2]) if path.stem.endswith("_L") else (images, path.stem)
        if name in kind and path.parent.name == f"{kind[name].parent.name}annot":
            raise UserError(
                f"the source of {preparation.dataset.id} holds {path.parent.name}/, so it is the SegNet tutorial's "
                "copy of CamVid; use `hyperseg data prepare camvid_segnet`"
            )
        if name in kind:
            raise UserError(
                f"{path.name} is in {kind[name].parent.name} and in {path.parent.name}: a label is called "
                f"{name}_L.png, and each picture may be there once; rename the labels, or give one source only"
            )
        kind[name] = path
    if not labels or not images:
        raise UserError(
            f"{intake.place_name} holds no CamVid: NAME.png pictures and NAME_L.png labels; give --source the archives "
            "701_StillsRaw_full.zip and LabeledApproved_full.zip or the Kaggle re-pack"
        )
    alone = [f"{images[name].name} (no label)" for name in sorted(images.keys() - labels.keys())]
    alone += [f"{labels[name].name} (no picture)" for name in sorted(labels.keys() - images.keys())]
    if alone and not preparation.partial:
        raise UserError(f"CamVid's pictures and labels do not pair up: {first_ten(alone)}; get the source again")
    folders = {name: path.parent.name.lower() for name, path in images.items()}
    repacked = all(folder in SPLITS for folder in folders.values())
    if preparation.dataset.id.endswith(_REPACK) and not repacked:
        raise UserError(
            f"{intake.place_name} has no folders train, val and test with pictures, so it is not the Kaggle re-pack; "
            f"for the Cambridge archives use `hyperseg data prepare {preparation.dataset.id.removesuffix(_REPACK)}`"
        )
    splits = folders if repacked else _segnet_splits()
    nowhere = sorted(images.keys() - splits.keys())
    if nowhere:
        raise UserError(f"frames of no split: {first_ten(nowhere)}; only CamVid's 701 labelled frames belong here")
    paired = sorted(images.keys() & labels.keys())
    if not paired:
        raise UserError(f"no picture of {intake.place_name} has a label; get the source again")
    return [_Pair(name, splits[name], images[name], labels[name]) for name in paired], repacked


def _segnet_splits() -> dict[str, str]:
    folders = [path for path in packaged_hashes() if len(path.parts) == 2 and path.parts[0] in SPLITS]
    return {path.stem: path.parts[0] for path in folders}


def _check_class_table(intake: Intake) -> None:
    """The re-pack brings its own table of colours; it must be that of CamVid."""
    for path in intake.pictures(".csv"):
        if path.name != "class_dict.csv":
            continue
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = [[cell.strip() for cell in row] for row in csv.reader(file) if row]
            theirs = {row[0]: (int(row[1]), int(row[2]), int(row[3])) for row in rows[1:]}
        except (ValueError, IndexError, csv.Error, OSError) as error:
            raise UserError(f"{path} is not a table of name, r, g, b; get the source again") from error
        ours = {name: colour for name, (colour, _) in COLOURS.items()}
        other = [name for name in {**theirs, **ours} if theirs.get(name) != ours.get(name)]
        if other:
            raise UserError(f"{path} has other colours than CamVid for {first_ten(other)}; get the source again")


def _strange_notes(pairs: list[_Pair], strange: list[dict[Colour, int]], unknown: UnknownColours) -> list[str]:
    pixels: Counter[Colour] = Counter()
    files: Counter[Colour] = Counter()
    for found in strange:
        pixels.update(found)
        files.update(found.keys())
    if not pixels:
        return []
    colours = first_ten(f"{colour} ({count} pixels in {files[colour]} files)" for colour, count in pixels.most_common())
    if unknown == "refuse":
        labels = first_ten(pair.label.name for pair, found in zip(pairs, strange, strict=True) if found)
        raise UserError(
            f"labels hold colours that are none of CamVid's 32: {colours}, in {labels}; get the source again, "
            "or add --unknown-colours ignore"
        )
    return [f"Colours that are none of the 32 named ones are ignored: {colours}."]
