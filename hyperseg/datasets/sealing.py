"""Making a filled folder a prepared dataset: checked, with its manifest and its card."""

from collections.abc import Mapping
from pathlib import Path

from hyperseg.data.description import DatasetInfo, write_info
from hyperseg.data.manifest import FileEntry, Manifest, manifest_of, save_manifest
from hyperseg.data.offenders import first_ten
from hyperseg.data.prepared import PreparedDataset, as_dataset, read_info
from hyperseg.datasets.card import card_of, write_card
from hyperseg.datasets.inspection import inspect, offenders_of
from hyperseg.datasets.published import Published
from hyperseg.errors import UserError


def seal(root: Path, info: DatasetInfo | None = None, published: Published | None = None) -> PreparedDataset:
    """Check a filled folder, then write dataset.yaml (where `info` is given), manifest.json and card.json.

    The splits must have the counts of `published`. Nothing is written but dataset.yaml where anything
    is wrong. Raises one UserError that names the first ten offenders and the total.
    """
    if info:
        write_info(root, info)
    info = read_info(root)
    seen = inspect(root)
    offenders = offenders_of(info, seen)
    if offenders:
        listed = first_ten(f"{name} ({what})" for name, what in offenders)
        raise UserError(f"{info.id} is not sound: {listed}; correct these files")
    manifest = manifest_of(info, {name: FileEntry(sha256=one.sha256, bytes=one.bytes) for name, one in seen.items()})
    if not manifest.splits:
        raise UserError(f"{root} holds no images in <split>/images; see the documentation of your own data")
    if published:
        check_counts(manifest, published)
    save_manifest(root, manifest)
    write_card(root, card_of(info, manifest, seen))
    return as_dataset(root, info, manifest)


def check_counts(manifest: Manifest, published: Published) -> None:
    """Raise UserError where the images per split are none of the published alternatives."""
    if published.splits and manifest.splits not in published.splits:
        expected = " or ".join(_told(splits) for splits in published.splits)
        raise UserError(
            f"{manifest.dataset} has {_told(manifest.splits)}, but the published dataset has {expected}; "
            "complete the source"
        )


def _told(splits: Mapping[str, int]) -> str:
    return ", ".join(f"{split} {count}" for split, count in splits.items()) or "no images"
