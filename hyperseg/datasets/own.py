"""A user's own images and labels as a dataset that every command takes."""

import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hyperseg.data.description import DATASET_FILE, read_info
from hyperseg.data.manifest import CARD_FILE, MANIFEST_FILE, dataset_files, is_litter, read_manifest
from hyperseg.data.pictures import PictureError, is_coloured, read_colours
from hyperseg.data.prepared import PreparedDataset, open_dataset
from hyperseg.datasets.colours import Colour, ColourMap
from hyperseg.datasets.disk import disk_errors
from hyperseg.datasets.intake import Intake, write_label
from hyperseg.datasets.own_classes import OwnClasses, check_palette, read_classes
from hyperseg.datasets.published.published import UnknownColours
from hyperseg.datasets.sealing import seal
from hyperseg.datasets.staging import staged_folder
from hyperseg.errors import UserError, first_ten

IMAGES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})


@dataclass(frozen=True)
class _Split:
    name: str
    images: Path
    labels: Path | None


def add(folder: Path, classes: Path, out: Path, *, label_suffix: str, unknown: UnknownColours) -> PreparedDataset:
    """Copy a folder of images and labels into a prepared dataset at `out`.

    Layouts taken: ``<split>/images`` with ``<split>/labels``; ``images/<split>`` with ``labels/<split>``; or ``images``
    with ``labels``, which become the one split ``all``. Pictures in folders within these are called by the folders'
    names too (``city_0001.png``). A label has its image's name and `label_suffix`, with ``.png``; it holds label values
    or, where `classes` (a file for :func:`hyperseg.datasets.own_classes.read_classes`) gives every class a colour,
    exactly these colours; `unknown` says what other colours are. Raises UserError.
    """
    own = read_classes(classes, out.resolve().name)
    splits = _find_splits(folder)
    label_suffix = label_suffix.removesuffix(".png")
    strange: Counter[Colour] = Counter()
    with staged_folder(out) as stage:
        for split in splits:
            strange += _copy(split, stage, own, label_suffix)
        info = own.info
        if strange:
            listed = first_ten(f"{colour} ({count} pixels)" for colour, count in strange.most_common())
            if unknown == "refuse":
                raise UserError(
                    f"the labels of {folder} hold colours that {classes} does not list: {listed}; list them, or add "
                    "--unknown-colours ignore"
                )
            note = f"Colours that are of no class are ignored: {listed}."
            info = info.model_copy(update={"notes": (*info.notes, note)})
        seal(stage, info, copied=True, source=folder)
    return open_dataset(out)


def add_in_place(folder: Path, classes: Path) -> PreparedDataset:
    """Make a folder of the layout ``<split>/images``, ``<split>/labels`` a prepared dataset where it is.

    Only dataset.yaml, manifest.json and card.json are written, and files of these names that are not of a dataset of
    this package are never replaced. Raises UserError.
    """
    own = read_classes(classes, folder.resolve().name)
    splits = _find_splits(folder)
    if any(split.images != folder / split.name / "images" for split in splits):
        raise UserError(f"{folder} is not laid out as <split>/images and <split>/labels; give --out to have it copied")
    _check_own_files(folder)
    for split in splits:
        _check_in_place(split, own)
    with disk_errors(folder, "give --out to have the pictures copied where there is room"):
        return seal(folder, own.info)


def _check_in_place(split: _Split, own: OwnClasses) -> None:
    """Raise UserError for anything that needs a copy."""
    images, labels = dataset_files(split.images), dataset_files(split.labels) if split.labels else {}
    nested = [name for name in (*images, *labels) if "/" in name]
    if nested:
        raise UserError(
            f"{split.images.parent} holds folders of pictures: {first_ten(nested)}; give --out to have the pictures "
            "copied out of their folders"
        )
    image_names, label_names = {Path(name).stem for name in images}, {Path(name).stem for name in labels}
    _check_suffix(split, image_names, label_names, "")
    apart = sorted(image_names - label_names)
    if {_composed(name) for name in apart} & {_composed(name) for name in label_names - image_names}:
        raise UserError(
            f"image and label {first_ten(apart)} of {split.images.parent} look alike, but their names are other bytes "
            "(Unicode NFC and NFD); rename one of the two, or give --out to have them copied under one name"
        )
    for path in labels.values():
        if _is_coloured(path):
            raise UserError(f"{path} stores colours, not label values; give --out to have such labels converted")
        check_palette(path, own)


def _check_own_files(folder: Path) -> None:
    """Raise UserError if a file that would be written exists and is something else."""
    try:
        if (folder / DATASET_FILE).exists():
            read_info(folder)
        if (folder / MANIFEST_FILE).exists():
            read_manifest(folder)
        elif (folder / CARD_FILE).exists() and not (folder / DATASET_FILE).exists():
            raise UserError(f"{folder / CARD_FILE} is of something else")
    except UserError as error:
        raise UserError(
            f"{folder} holds a file that would be replaced and is not of a dataset of this package ({error}); move it "
            "away, or give --out to have the pictures copied"
        ) from error


def _find_splits(folder: Path) -> list[_Split]:
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}; give the folder that holds your images and labels")
    with disk_errors(folder, "check its permissions"):
        found = [
            _Split(path.name, path / "images", _folder(path / "labels"))
            for path in sorted(folder.iterdir())
            if not is_litter(path.name) and (path / "images").is_dir()
        ]
        images = folder / "images"
        if not found and images.is_dir():
            entries = [path for path in sorted(images.iterdir()) if not is_litter(path.name)]
            inner = [path for path in entries if path.is_dir()]
            if inner and len(inner) < len(entries):
                loose = first_ten(path.name for path in entries if not path.is_dir())
                raise UserError(
                    f"{images} holds folders, which are splits, and pictures beside them: {loose}; move these into one"
                )
            found = [_Split(path.name, path, _folder(folder / "labels" / path.name)) for path in inner]
            found = found or [_Split("all", images, _folder(folder / "labels"))]
    if not found:
        raise UserError(
            f"{folder} has no <split>/images nor images/<split> folder; lay your images out in one of these"
        )
    for split in found:
        if "+" in split.name or not split.name.isprintable():
            raise UserError(f"{split.name!r} cannot name a split, as + joins splits; rename its folder")
        if not dataset_files(split.images):  # else it would be dropped silently
            raise UserError(f"{split.images} holds no image; put the images of split {split.name} there or remove it")
    return found


def _folder(path: Path) -> Path | None:
    return path if path.is_dir() else None


def _copy(split: _Split, stage: Path, own: OwnClasses, label_suffix: str) -> Counter[Colour]:
    """Copy one split; returns the pixels of each colour without a class."""
    intake = Intake((split.images,))
    images = dataset_files(split.images)
    strange = [name for name in images if PurePosixPath(name).suffix.lower() not in IMAGES]
    if strange:
        raise UserError(f"{split.images} holds files that are no images: {first_ten(strange)}; move them away")
    labels = dataset_files(split.labels) if split.labels else {}
    named_images, named_labels = _named(images, ""), _named(labels, label_suffix)
    _check_suffix(split, set(named_images), set(named_labels), label_suffix)
    for name, path in named_images.items():
        intake.place(path, stage / split.name / "images" / f"{name}{path.suffix}")
    unknown: Counter[Colour] = Counter()
    for name, path in named_labels.items():
        if not _is_coloured(path):
            check_palette(path, own)
            suffix = ".png" if path.suffix == ".PNG" else path.suffix
            intake.place(path, stage / split.name / "labels" / f"{name}{suffix}")
            continue
        if own.colours is None:
            raise UserError(
                f"{path} stores colours, not label values; give every class its own colour in the file of classes, as "
                "{name: road, colour: [128, 64, 128]}, to have such labels converted"
            )
        label, found = ColourMap(own.colours).apply(read_colours(path))
        unknown.update(found)
        write_label(stage, split.name, name, label, own.info.classes, own.info.label_values[0])
    return unknown


def _named(files: dict[str, Path], suffix: str) -> dict[str, Path]:
    """Name in the dataset -> file: folders joined with ``_``, without the file's extension and `suffix`."""
    named: dict[str, Path] = {}
    for relative, path in files.items():
        name = "_".join(PurePosixPath(relative).with_suffix("").parts)
        name = _composed(name.removesuffix(suffix) or name)
        if name in named:
            raise UserError(f"{named[name]} and {path} would both be called {name}; rename one of them")
        named[name] = path
    return named


def _composed(name: str) -> str:
    """The name with accents as Linux and Windows write them; file names of a Mac may have them apart."""
    return unicodedata.normalize("NFC", name)


def _check_suffix(split: _Split, images: set[str], labels: set[str], given: str) -> None:
    """Raise UserError if all labels have their images' names plus one suffix that was not given."""
    if not labels or labels & images:
        return
    if given:
        raise UserError(
            f"no label in {split.labels} is called as its image and {given} ({first_ten(sorted(labels)[:3])}); "
            "correct --label-suffix"
        )
    probe = min(images, default="")
    ends = {label.removeprefix(probe) for label in labels if label.startswith(probe)}
    whole = [end for end in sorted(ends) if {f"{image}{end}" for image in images} == labels]
    if whole:
        raise UserError(
            f"the labels in {split.labels} are called as their images and {whole[0]}; add --out and "
            f"--label-suffix {whole[0]}"
        )


def _is_coloured(path: Path) -> bool:
    try:
        return is_coloured(path)
    except PictureError:
        return False  # other faults are found by the checks that follow
