"""The file of classes of a user's own dataset."""

import colorsys
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyperseg.data.description import IGNORED, DatasetInfo, parse_info
from hyperseg.data.pictures import PictureError, palette_colours
from hyperseg.datasets.colours import Colour
from hyperseg.datasets.published import is_published
from hyperseg.errors import UserError
from hyperseg.yaml_file import read_yaml


@dataclass(frozen=True)
class OwnClasses:
    """What the file of classes says: the description, and the label value of each colour, where all have one."""

    info: DatasetInfo
    colours: dict[Colour, int] | None


def read_classes(path: Path, name: str) -> OwnClasses:
    """Read a short description: ``classes`` is all it must have, as names or as names with colours.

    `name` of the dataset's folder gives id and title where the file has none. Raises UserError.
    """
    content = read_yaml(path, "list of classes")
    if not isinstance(content, dict) or not isinstance(content.get("classes"), list):
        raise UserError(f"{path} has no list of classes; write `classes: [road, sky]` into it")
    defaults: dict[str, Any] = {
        "id": re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_.-") or "own",
        "title": name,
        "licence": "own data, no licence stated",
        "citation": "none",
        "source": "own data",
    }
    listed = content["classes"]
    coloured = [_coloured(entry, index, len(listed)) for index, entry in enumerate(listed)]
    info = parse_info({**defaults, **content, "classes": coloured}, path)
    if is_published(info.id):
        raise UserError(
            f"{info.id!r} is the id of a published dataset, whose numbers yours do not compare with; write another "
            f"`id:` into {path}, or use `hyperseg data prepare {info.id}` (with --partial for a part of it)"
        )
    if not all(isinstance(entry, dict) and "colour" in entry for entry in listed):
        return OwnClasses(info, None)
    colours = {entry.colour: value for entry, value in zip(info.classes, info.label_values, strict=True)}
    if len(colours) < len(info.classes):
        return OwnClasses(info, None)  # good for pictures, not for telling classes apart
    return OwnClasses(info, colours)


def _coloured(entry: object, index: int, count: int) -> object:
    """Names alone get colours spread around the colour circle, alternately light and dark."""
    if isinstance(entry, dict) and "colour" in entry:
        return entry
    red, green, blue = colorsys.hls_to_rgb(index / count, 0.42 + 0.22 * (index % 2), 0.65)
    colour = [round(255 * channel) for channel in (red, green, blue)]
    return {**entry, "colour": colour} if isinstance(entry, dict) else {"name": entry, "colour": colour}


def check_palette(path: Path, own: OwnClasses) -> None:
    """Raise UserError where a palette gives a value the colour of another class than the one the value stands for.

    Programs that shrink PNGs number colours as they meet them, and an offset by one of all classes looks the same.
    """
    if own.colours is None:
        return
    try:
        shown = palette_colours(path)
    except PictureError:
        return  # found by the checks that follow
    names = {value: entry.name for entry, value in zip(own.info.classes, own.info.label_values, strict=True)}
    for value, colour in shown.items():
        meant = own.colours.get(colour, value)
        if meant != value and value not in {IGNORED, own.info.void}:
            raise UserError(
                f"the palette of {path} shows the value {value} in the colour of class {names[meant]}, whose value is "
                f"{meant}; save it as RGB to have it read by colour, save it in grey, or correct the file of classes"
            )
