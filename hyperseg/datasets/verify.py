"""``hyperseg data verify``: check a prepared folder against its manifest, description and source."""

from collections.abc import Callable, Mapping
from pathlib import Path

from hyperseg.data.description import read_info
from hyperseg.data.manifest import Manifest, read_manifest
from hyperseg.data.prepared import PreparedDataset, as_dataset
from hyperseg.datasets.catalogue import catalogued
from hyperseg.datasets.inspection import Offender, Seen, inspect, offenders_of
from hyperseg.datasets.published import is_published
from hyperseg.datasets.sealing import check_published
from hyperseg.errors import UserError, first_ten


def verify(
    root: Path, catalogue: Path | None = None, advance: Callable[[int], None] = lambda size: None
) -> PreparedDataset:
    """Check hashes, pairs, sizes, label values and split counts of a prepared folder on all cores.

    `catalogue` changes what is published; `advance` is called with the bytes of each finished file. Raises one
    UserError that names the first ten offenders and the total.
    """
    info, manifest = read_info(root), read_manifest(root)
    seen = inspect(root, advance)
    offenders = _changed(manifest, seen)
    changed = {name for name, _ in offenders}
    offenders += [(name, what) for name, what in offenders_of(info, seen) if name not in changed]
    published = catalogued(info.id, catalogue) if is_published(info.id) else None
    if published:
        known = {path.as_posix(): digest for path, digest in published.published_hashes().items()}
        offenders += [
            (name, "not the published bytes")
            for name, one in seen.items()
            if name not in changed and one.sha256 != known.get(name, one.sha256)
        ]
    if offenders:
        listed = first_ten(f"{name} ({what})" for name, what in sorted(offenders))
        raise UserError(f"{root} is not sound: {listed}; restore these files or prepare the dataset again")
    if published:
        check_published(info, manifest, seen, published)
    return as_dataset(root, info, manifest)


def _changed(manifest: Manifest, seen: Mapping[str, Seen]) -> list[Offender]:
    """Where the folder differs from its manifest."""
    offenders: list[Offender] = [(name, "missing") for name in manifest.files if name not in seen]
    offenders += [(name, "not in the manifest") for name in seen if name not in manifest.files]
    offenders += [
        (name, "other bytes")
        for name, one in seen.items()
        if name in manifest.files and one.sha256 != manifest.files[name].sha256
    ]
    return offenders
