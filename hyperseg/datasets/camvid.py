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
from PIL import Image

from hyperseg.data.offenders import first_ten
from hyperseg.datasets.camvid_classes import CLASSES, COLOURS, authors_values, merged_values
from hyperseg.datasets.camvid_segnet import packaged_hashes
from hyperseg.datasets.colours import Colour, ColourMap
from hyperseg.datasets.intake import Intake, write_label
from hyperseg.datasets.published import Outcome, Preparation
from hyperseg.datasets.published.published import UnknownColours
from hyperseg.errors import UserError

SPLITS = ("train", "val", "test")


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
    pairs, source = _pairs(intake)
    _check_class_table(intake)
    mapping = ColourMap(values)

    def convert(pair: _Pair) -> tuple[dict[Colour, int], np.ndarray]:
        try:
            with Image.open(pair.label) as picture:
                label, strange = mapping.apply(picture)
            with Image.open(pair.image) as picture:
                size = picture.size
        except (OSError, SyntaxError, Image.DecompressionBombError) as error:
            raise UserError(f"cannot read {pair.label.name} or its picture: {error}; get the source again") from error
        if size != label.shape[::-1]:
            raise UserError(
                f"{pair.image.name} is {size[0]}x{size[1]} and its label {label.shape[1]}x{label.shape[0]}; get the "
                "source again"
            )
        write_label(out, pair.split, pair.name, label, CLASSES)
        intake.place(pair.image, out / pair.split / "images" / pair.image.name)
        return strange, np.bincount(label.ravel(), minlength=256)

    results = intake.each("labels", pairs, convert)
    notes = _strange_notes(pairs, [strange for strange, _ in results], unknown)
    return Outcome(source, tuple(notes)), np.sum([count for _, count in results], axis=0)


def _pairs(intake: Intake) -> tuple[list[_Pair], str]:
    """Every picture with its label and split, sorted, and what the source is."""
    labels: dict[str, Path] = {}
    images: dict[str, Path] = {}
    for path in intake.pictures(".png"):
        kind, name = (labels, path.stem[:-2]) if path.stem.endswith("_L") else (images, path.stem)
        if name in kind:
            raise UserError(f"{path.name} is there twice ({kind[name].parent} and {path.parent}); give one source only")
        kind[name] = path
    if not labels or not images:
        raise UserError(
            f"{intake.roots[-1]} holds no CamVid: NAME.png pictures and NAME_L.png labels; give --source the archives "
            "701_StillsRaw_full.zip and LabeledApproved_full.zip or the Kaggle re-pack"
        )
    lonely = [f"{images[name].name} (no label)" for name in sorted(images.keys() - labels.keys())]
    lonely += [f"{labels[name].name} (no picture)" for name in sorted(labels.keys() - images.keys())]
    if lonely:
        raise UserError(f"CamVid's pictures and labels do not pair up: {first_ten(lonely)}; get the source again")
    if all(path.parent.name in SPLITS for path in images.values()):
        splits = {name: path.parent.name for name, path in images.items()}
        source = "Kaggle re-pack carlolepelaars/camvid"
    else:
        splits = _segnet_splits()
        source = "Cambridge archives, split by the names of the SegNet tutorial"
    nowhere = sorted(images.keys() - splits.keys())
    if nowhere:
        raise UserError(f"frames of no split: {first_ten(nowhere)}; only CamVid's 701 labelled frames belong here")
    return [_Pair(name, splits[name], images[name], labels[name]) for name in sorted(images)], source


def _segnet_splits() -> dict[str, str]:
    folders = [path for path in packaged_hashes() if len(path.parts) == 2 and path.parts[0] in SPLITS]
    return {path.stem: path.parts[0] for path in folders}


def _check_class_table(intake: Intake) -> None:
    """The re-pack brings its own table of colours; it must be ours."""
    for path in intake.pictures(".csv"):
        if path.name != "class_dict.csv":
            continue
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file) if row]
        try:
            theirs = {row[0]: (int(row[1]), int(row[2]), int(row[3])) for row in rows[1:]}
        except (ValueError, IndexError) as error:
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
