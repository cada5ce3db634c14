"""A report's folder appears whole or not at all, and no file of the user's is lost in exchange."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from hyperseg.errors import UserError, reason_of
from hyperseg.files import exchange, folder_beside
from hyperseg.report.collection import Collection

CONTENTS = "report.json"  # what the report was made of and what it holds; marks a folder as ours to replace


def contents(collection: Collection, files: Mapping[str, bytes]) -> bytes:
    """The list of records read and of files made, with their hashes."""
    listed = {
        "records": [{"file": entry.name, "sha256": entry.sha256} for entry in collection],
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
    }
    return (json.dumps(listed, indent=1) + "\n").encode()


def check_replaceable(out: Path) -> None:
    """Raise :class:`UserError` unless `out` is absent, empty, or an earlier report and nothing else."""
    if not out.exists():
        return
    if not out.is_dir():
        raise UserError(f"{out} is a file; give --out a folder")
    present = {path.relative_to(out).as_posix() for path in out.rglob("*") if not path.is_dir()}
    # hidden files of tools (.gitignore, .snakemake_timestamp) are kept
    foreign = sorted(name for name in present - _listed(out) if not Path(name).name.startswith("."))
    if foreign:
        raise UserError(f"{out} holds {foreign[0]}, which no report made; move it away or give another --out")


def _listed(out: Path) -> set[str]:
    try:
        listed = json.loads((out / CONTENTS).read_text(encoding="utf-8"))
        return {CONTENTS, *listed["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def replace_folder(out: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` (relative name -> bytes) beside `out`, then put them in its place.

    A symbolic link stays, and its target is replaced. Raises :class:`UserError` where the place cannot be written; it
    is then as it was.
    """
    check_replaceable(out)
    out = out.resolve()
    try:
        with folder_beside(out) as partial:
            for name, data in files.items():
                target = partial / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
            _swap(partial, out)
    except OSError as error:
        raise UserError(f"cannot write the report to {out}: {reason_of(error)}; give another --out") from error


def _swap(partial: Path, out: Path) -> None:
    for kept in out.glob(".*"):
        if kept.is_file():
            shutil.copy2(kept, partial / kept.name)
    previous = partial.with_suffix(".previous")
    exchange(partial, out, previous)
    shutil.rmtree(previous, ignore_errors=True)
