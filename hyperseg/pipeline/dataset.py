"""Notices a changed byte of a dataset before anything runs.

Both engines look at the manifest alone, which is small and holds a hash per file. So the folder must be what its
manifest says; a file is hashed again only where its size or time is not what it was at the last look.
"""

import json
from pathlib import Path
from shlex import quote

from hyperseg.data.hashing import sha256_files
from hyperseg.data.manifest import dataset_files, read_manifest
from hyperseg.errors import UserError, first_ten
from hyperseg.files import write_text_atomic

SEEN = Path(".snakemake/hyperseg")  # what was seen at the last look, one file per dataset folder


def check_unchanged(folder: Path) -> None:
    """Raise :class:`UserError` naming the files of a prepared folder that are not what its manifest says."""
    manifest = read_manifest(folder)
    files = dataset_files(folder)
    stamps = {name: [(stat := path.stat()).st_size, stat.st_mtime_ns] for name, path in files.items()}
    store = SEEN / f"{'-'.join(folder.parts)}.json"
    seen = _seen(store, manifest.version)
    digests = sha256_files(path for name, path in files.items() if stamps[name] != seen.get(name))
    wrong = [f"{name} (missing)" for name in manifest.files if name not in files]
    wrong += [f"{name} (not in the manifest)" for name in files if name not in manifest.files]
    wrong += [
        f"{name} (other bytes)"
        for name, path in files.items()
        if name in manifest.files and path in digests and digests[path] != manifest.files[name].sha256
    ]
    if wrong:
        raise UserError(
            f"{folder} differs from its manifest: {first_ten(wrong)}; restore these files, or take the folder as a new "
            f"version with `hyperseg data version {quote(str(folder))} --record`"
        )
    write_text_atomic(store, json.dumps({"version": manifest.version, "stamps": stamps}))


def _seen(store: Path, version: str) -> dict[str, list[int]]:
    """Size and time per file at the last look at this version; nothing where there was none."""
    try:
        seen = json.loads(store.read_text())
        return dict(seen["stamps"]) if seen["version"] == version else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
