"""A user's own images and index labels as a dataset that every command takes."""

import colorsys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyperseg.data.description import DatasetInfo, parse_info
from hyperseg.data.offenders import first_ten
from hyperseg.data.prepared import PreparedDataset, open_dataset
from hyperseg.datasets.intake import Intake
from hyperseg.datasets.sealing import seal
from hyperseg.datasets.staging import staged_folder
from hyperseg.errors import UserError
from hyperseg.yaml_file import read_yaml

IMAGES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})


@dataclass(frozen=True)
class _Split:
    name: str
    images: Path
    labels: Path | None


def add(folder: Path, classes: Path, out: Path) -> PreparedDataset:
    """Copy a folder of images and index labels into a prepared dataset at `out`.

    Layouts taken: ``<split>/images`` with ``<split>/labels``; ``images/<split>`` with ``labels/<split>``; or ``images``
    with ``labels``, which become the one split ``all``. Labels have their image's name, with ``.png``. `classes` is the
    YAML file that :func:`read_classes` reads. Raises UserError.
    """
    info = read_classes(classes, out.name)
    splits = _find_splits(folder)
    with staged_folder(out) as stage:
        for split in splits:
            _copy(split, stage)
        seal(stage, info)
    return open_dataset(out)


def add_in_place(folder: Path, classes: Path) -> PreparedDataset:
    """Make a folder of the layout ``<split>/images``, ``<split>/labels`` a prepared dataset where it is.

    Only dataset.yaml, manifest.json and card.json are written. Raises UserError.
    """
    info = read_classes(classes, folder.name)
    if any(split.images != folder / split.name / "images" for split in _find_splits(folder)):
        raise UserError(f"{folder} is not laid out as <split>/images and <split>/labels; give --out to have it copied")
    before = folder / "dataset.yaml"
    existed = before.exists()
    try:
        return seal(folder, info)
    except UserError:
        if not existed:
            before.unlink(missing_ok=True)
        raise


def read_classes(path: Path, name: str) -> DatasetInfo:
    """Read a short description: ``classes`` is all it must have, as names or as names with colours.

    Raises UserError.
    """
    content = read_yaml(path, "list of classes")
    if not isinstance(content, dict) or not isinstance(content.get("classes"), list):
        raise UserError(f"{path} has no list of classes; write `classes: [road, sky]` into it")
    defaults: dict[str, Any] = {
        "id": name,
        "title": name,
        "licence": "own data, no licence stated",
        "citation": "none",
        "source": "own data",
    }
    listed = content["classes"]
    coloured = [_coloured(entry, index, len(listed)) for index, entry in enumerate(listed)]
    return parse_info({**defaults, **content, "classes": coloured}, path)


def _coloured(entry: object, index: int, count: int) -> object:
    """Names alone get colours spread around the colour circle, alternately light and dark."""
    if isinstance(entry, dict) and "colour" in entry:
        return entry
    red, green, blue = colorsys.hls_to_rgb(index / count, 0.42 + 0.22 * (index % 2), 0.65)
    colour = [round(255 * channel) for channel in (red, green, blue)]
    return {**entry, "colour": colour} if isinstance(entry, dict) else {"name": entry, "colour": colour}


def _find_splits(folder: Path) -> list[_Split]:
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}; give the folder that holds your images and labels")
    found = [
        _Split(path.parent.name, path, _folder(path.parent / "labels"))
        for path in sorted(folder.glob("*/images"))
        if path.is_dir()
    ]
    images = folder / "images"
    if not found and images.is_dir():
        inner = [path for path in sorted(images.iterdir()) if path.is_dir()]
        found = [_Split(path.name, path, _folder(folder / "labels" / path.name)) for path in inner]
        found = found or [_Split("all", images, _folder(folder / "labels"))]
    if not found:
        raise UserError(
            f"{folder} has no <split>/images nor images/<split> folder; lay your images out in one of these"
        )
    return found


def _folder(path: Path) -> Path | None:
    return path if path.is_dir() else None


def _copy(split: _Split, stage: Path) -> None:
    intake = Intake((split.images,))
    strange = [path.name for path in sorted(split.images.iterdir()) if path.suffix.lower() not in IMAGES]
    strange = [name for name in strange if not name.startswith(".")]
    if strange:
        raise UserError(f"{split.images} holds files that are no images: {first_ten(strange)}; move them away")
    for kind, folder in (("images", split.images), ("labels", split.labels)):
        for path in sorted(folder.iterdir()) if folder else []:
            if not path.name.startswith("."):
                intake.place(path, stage / split.name / kind / path.name)
