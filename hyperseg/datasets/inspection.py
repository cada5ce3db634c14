"""One look at every file of a dataset folder: hash, size, colours, label values. Manifest, card and checks follow."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from hyperseg.data.description import DATASET_FILE, IGNORED, DatasetInfo
from hyperseg.data.manifest import dataset_files
from hyperseg.data.pictures import PictureError, read_indices, read_picture
from hyperseg.errors import UserError, reason_of
from hyperseg.files import sha256_file
from hyperseg.processors import usable_cores

Offender = tuple[str, str]  # relative path, what is wrong
MAX_PICTURE_BYTES = 1 << 30  # a larger file is not taken into memory


@dataclass(frozen=True)
class Seen:
    """What one file holds. `size` is (width, height); `problem` says why a picture could not be read."""

    sha256: str
    bytes: int
    size: tuple[int, int] | None = None
    channels: np.ndarray | None = None  # images: (3, 256) pixels of each value of R, G, B
    values: np.ndarray | None = None  # labels: (256,) pixels of each value
    problem: str | None = None


def inspect(root: Path, advance: Callable[[int], None] = lambda size: None) -> dict[str, Seen]:
    """Relative path -> what the file holds, sorted by path; each file is read once, on all cores.

    `advance` is called with the bytes of each finished file. Raises UserError for a file that cannot be read at all.
    """

    def look(item: tuple[str, Path]) -> tuple[str, Seen]:
        name, path = item
        try:
            seen = _look(kind_of(name), path)
        except OSError as error:
            raise UserError(f"cannot read {path}: {reason_of(error)}; check the disk and the permissions") from error
        advance(seen.bytes)
        return name, seen

    with ThreadPoolExecutor(usable_cores()) as pool:
        return dict(pool.map(look, dataset_files(root).items()))


def kind_of(name: str) -> str | None:
    """``images`` or ``labels`` for a path of the form split/kind/file, else None."""
    parts = name.split("/")
    return parts[1] if len(parts) == 3 and parts[1] in {"images", "labels"} else None


def _look(kind: str | None, path: Path) -> Seen:
    size = path.stat().st_size
    if kind is None or size > MAX_PICTURE_BYTES:
        problem = f"{size} bytes, more than any picture that is read" if kind else None
        return Seen(sha256_file(path), size, problem=problem)
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    try:
        if kind == "images":
            image = read_picture(data)
            channels = np.array(Image.fromarray(image).histogram(), np.int64).reshape(3, 256)
            return Seen(digest, len(data), (image.shape[1], image.shape[0]), channels=channels)
        label = read_indices(data)
        values = np.bincount(label.ravel(), minlength=256)
        return Seen(digest, len(data), (label.shape[1], label.shape[0]), values=values)
    except PictureError as error:
        return Seen(digest, len(data), problem=str(error))


def offenders_of(info: DatasetInfo, seen: Mapping[str, Seen]) -> list[Offender]:
    """Everything that makes a folder unfit: other files, images or labels alone, sizes, values, shared pictures."""
    offenders: list[Offender] = [(name, one.problem) for name, one in seen.items() if one.problem]
    offenders += [(name, "no part of a dataset") for name in seen if kind_of(name) is None and name != DATASET_FILE]
    pairs: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: {"images": [], "labels": []})
    for name in seen:
        kind = kind_of(name)
        if kind:
            pairs[name.split("/")[0], Path(name).stem][kind].append(name)
    allowed = {*info.label_values, IGNORED, info.void}
    for (split, _), pair in pairs.items():
        offenders += _pair_offenders(split, pair, info, seen, allowed)
    return sorted(offenders + _shared(seen))


def _pair_offenders(
    split: str, pair: dict[str, list[str]], info: DatasetInfo, seen: Mapping[str, Seen], allowed: set[int | None]
) -> list[Offender]:
    images, labels = pair["images"], pair["labels"]
    if len(images) > 1 or len(labels) > 1:
        return [(name, "two files of one name") for files in (images, labels) if len(files) > 1 for name in files]
    if not images:
        return [(labels[0], "no image beside it")]
    if not labels:
        return [] if split in info.unlabelled else [(images[0], "no label beside it")]
    image, label = seen[images[0]], seen[labels[0]]
    if not labels[0].lower().endswith(".png"):
        return [(labels[0], "no PNG")]
    if image.problem or label.problem or label.values is None or image.size is None or label.size is None:
        return []  # already named
    if image.size != label.size:
        sizes = f"{label.size[0]}x{label.size[1]}, its image {image.size[0]}x{image.size[1]}"
        return [(labels[0], sizes)]
    wrong = [str(value) for value in np.flatnonzero(label.values) if int(value) not in allowed]
    return [(labels[0], f"value {', '.join(wrong[:5])} is no class")] if wrong else []


def _shared(seen: Mapping[str, Seen]) -> list[Offender]:
    """Pictures that are in two splits: what is trained on must not be scored."""
    splits: dict[str, dict[str, str]] = defaultdict(dict)
    for name, one in seen.items():
        if kind_of(name) == "images":
            splits[one.sha256].setdefault(name.split("/")[0], name)
    return [
        (names[0], f"the same picture as {names[1]}")
        for names in (sorted(found.values()) for found in splits.values())
        if len(names) > 1
    ]
