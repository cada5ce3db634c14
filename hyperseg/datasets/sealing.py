"""Making a filled folder a prepared dataset: checked, with its manifest and its card."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from hyperseg.data.card import DatasetCard, absent_classes
from hyperseg.data.description import DATASET_FILE, DatasetInfo, info_text, read_info
from hyperseg.data.manifest import (
    CARD_FILE,
    MANIFEST_FILE,
    FileEntry,
    Manifest,
    manifest_of,
    read_manifest,
    save_manifest,
)
from hyperseg.data.prepared import PreparedDataset, as_dataset
from hyperseg.datasets.card import card_of, write_card
from hyperseg.datasets.inspection import Seen, inspect, offenders_of
from hyperseg.datasets.published import Published
from hyperseg.errors import UserError, first_ten
from hyperseg.files import write_bytes_atomic


def seal(
    root: Path,
    info: DatasetInfo | None = None,
    published: Published | None = None,
    *,
    copied: bool = False,
    source: Path | None = None,
) -> PreparedDataset:
    """Check a filled folder, then write dataset.yaml (where `info` is given), manifest.json and card.json.

    A complete copy of a `published` dataset must have its counts and sizes, and a pixel of every class; a partial one
    (`info.partial`) its sizes. `copied` is for the manifest; `source` is where the user can put a bad file right, where
    that is not `root`. Nothing is changed where anything is wrong. Raises one UserError that names the first ten
    offenders and the total.
    """
    # A new version of an own copy stays a copy; no manifest says so of a folder that is filled for the first time.
    copied = copied or (info is None and (root / MANIFEST_FILE).is_file() and _was_copied(root))
    description = info_text(info).encode() if info else (root / DATASET_FILE).read_bytes()
    info = info or read_info(root)
    seen = {name: one for name, one in inspect(root).items() if name != DATASET_FILE}
    seen[DATASET_FILE] = Seen(hashlib.sha256(description).hexdigest(), len(description))
    offenders = offenders_of(info, seen)
    if offenders:
        listed = first_ten(f"{name} ({what})" for name, what in offenders)
        raise UserError(f"{source or root} is not sound: {listed}; correct these files there")
    entries = {name: FileEntry(sha256=one.sha256, bytes=one.bytes) for name, one in seen.items()}
    manifest = manifest_of(info, entries, copied)
    if not manifest.splits:
        raise UserError(f"{source or root} holds no image; put images into <split>/images")
    if published:
        check_published(info, manifest, seen, published)
    _write(root, description, manifest, card_of(info, manifest, seen))
    return as_dataset(root, info, manifest)


def _was_copied(root: Path) -> bool:
    with suppress(UserError):
        return read_manifest(root).copied
    return False


def _write(root: Path, description: bytes, manifest: Manifest, card: DatasetCard) -> None:
    """The three files, or those that were there before where one cannot be written."""
    before = {root / name: _content(root / name) for name in (DATASET_FILE, CARD_FILE, MANIFEST_FILE)}
    try:
        write_bytes_atomic(root / DATASET_FILE, description)
        write_card(root, card)
        save_manifest(root, manifest)
    except BaseException:
        with suppress(UserError, OSError):
            for path, content in before.items():
                if content is None:
                    path.unlink(missing_ok=True)
                elif path.read_bytes() != content:
                    write_bytes_atomic(path, content)
        raise


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def check_published(info: DatasetInfo, manifest: Manifest, seen: Mapping[str, Seen], published: Published) -> None:
    """Raise UserError where a dataset is not what was published under its id: counts, sizes, classes."""
    if published.sizes:
        sizes = {name: f"{one.size[0]}x{one.size[1]}" for name, one in seen.items() if one.size}
        other = [f"{name} ({size})" for name, size in sizes.items() if size not in published.sizes]
        if other:
            raise UserError(
                f"{manifest.dataset} was published with pictures of {' or '.join(published.sizes)}, but there are "
                f"others: {first_ten(other)}; get the source again, or use `hyperseg data add` for data of your own"
            )
    if info.partial:
        return
    check_counts(manifest, published)
    labels = [one.values for one in seen.values() if one.values is not None]
    absent = absent_classes(info, np.sum(labels, axis=0)) if labels else []
    if absent:
        raise UserError(
            f"{manifest.dataset} has no pixel of {first_ten(absent)}, but the published labels have pixels of every "
            "class; get the labels again"
        )


def check_counts(manifest: Manifest, published: Published) -> None:
    """Raise UserError where the images per split are none of the published alternatives."""
    if published.splits and manifest.splits not in published.splits:
        expected = " or ".join(_told(splits) for splits in published.splits)
        raise UserError(
            f"{manifest.dataset} has {_told(manifest.splits)}, but the published dataset has {expected}; "
            "complete the source, or add --partial for a dataset that says that it is a part"
        )


def _told(splits: Mapping[str, int]) -> str:
    return ", ".join(f"{split} {count}" for split, count in splits.items()) or "no images"
