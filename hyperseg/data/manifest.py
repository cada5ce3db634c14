"""The manifest of a prepared folder: sha256 and size of every file, and the version made of them.

The version is the sha256 over the lines ``<sha256>  <relative path>\\n`` of all files, sorted by path, which a shell
computes too (docs/data.md). dataset.yaml counts; manifest.json, card.json, hidden files and what file browsers leave
behind (Thumbs.db, desktop.ini) do not.
"""

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from hyperseg.data.description import DatasetInfo, read_info
from hyperseg.data.hashing import sha256_files
from hyperseg.errors import UserError, first_ten, printable, reason_of
from hyperseg.files import write_text_atomic
from hyperseg.strict import StrictModel, first_problem

MANIFEST_FILE = "manifest.json"
CARD_FILE = "card.json"
LITTER = frozenset({"__macosx", ".ds_store", "thumbs.db", "desktop.ini"})  # what file browsers leave behind, lower case
_DERIVED = frozenset({MANIFEST_FILE, CARD_FILE})
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # control characters, and bytes that are not UTF-8

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class FileEntry(StrictModel):
    sha256: Sha256
    bytes: int = Field(ge=0)


class Manifest(StrictModel):
    """The contents of manifest.json; `splits` gives the number of images of each split.

    `copied` says of a dataset of a user's own that it is a copy, which may be replaced; it is written where it is true.
    """

    dataset: str
    version: Sha256
    splits: dict[str, int]
    files: dict[str, FileEntry]
    copied: bool = False


def version_of(hashes: dict[str, str]) -> str:
    """The version of a set of files, from relative path -> sha256."""
    lines = (f"{hashes[path]}  {path}\n" for path in sorted(hashes))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def dataset_files(root: Path) -> dict[str, Path]:
    """Relative path -> path of every file that belongs to the version, sorted by relative path.

    Links to files and folders are followed. What the version leaves out: manifest and card, hidden files, and what
    file browsers leave behind. Raises UserError for a link that leads nowhere or in a circle, an unreadable folder, or
    a name that a manifest or a terminal cannot hold.
    """
    found: dict[str, Path] = {}

    def refuse(error: OSError) -> None:
        raise UserError(f"cannot read {error.filename}: {reason_of(error)}; check the disk and the permissions")

    for place, folders, files in os.walk(root, followlinks=True, onerror=refuse):
        folder = Path(place)
        folders[:] = sorted(name for name in folders if not is_litter(name))
        for name in folders:
            if (folder / name).is_symlink() and folder.resolve().is_relative_to((folder / name).resolve()):
                raise UserError(f"{folder / name} is a link to a folder above it; remove the link")
        for name in files:
            path = folder / name
            if is_litter(name):
                continue
            check_name(path, str(path.relative_to(root)))
            if not path.exists():
                raise UserError(f"{path} is a link that leads nowhere; restore what it pointed to or remove the link")
            if path.is_file():
                found[path.relative_to(root).as_posix()] = path
    return dict(sorted((name, path) for name, path in found.items() if name not in _DERIVED))


def check_name(path: Path, name: str) -> None:
    """Raise UserError where `name`, the part of `path` that is kept, is none that a manifest or a terminal can hold."""
    if _UNFIT.search(name):
        raise UserError(
            f"{printable(str(path))} has a name with control characters or one that is not UTF-8; rename it"
        )


def is_litter(name: str) -> bool:
    """Whether a file or folder of this name is hidden or left behind by a file browser, so no part of any dataset."""
    return name.startswith(".") or name.lower() in LITTER


def manifest_of(info: DatasetInfo, files: dict[str, FileEntry], copied: bool = False) -> Manifest:
    """The manifest of files whose hashes are known."""
    return Manifest(
        dataset=info.id,
        version=version_of({name: entry.sha256 for name, entry in files.items()}),
        splits=_split_counts(files),
        files=dict(sorted(files.items())),
        copied=copied,
    )


def _split_counts(files: Iterable[str]) -> dict[str, int]:
    """Images per split, from relative paths."""
    counts = Counter(parts[0] for name in files if len(parts := name.split("/")) == 3 and parts[1] == "images")
    return {split: counts[split] for split in split_order(counts)}


def split_order(splits: "Counter[str]") -> list[str]:
    """train, val and test first, in this order, then others by name."""
    usual = {"train": 0, "train_aug": 1, "val": 2, "test": 3}
    return sorted(splits, key=lambda split: (usual.get(split, 4), split))


def write_manifest(root: Path) -> Manifest:
    """Hash every file under `root` on all cores and write ``root/manifest.json``."""
    files = dataset_files(root)
    digests = sha256_files(files.values())
    entries = {name: FileEntry(sha256=digests[path], bytes=path.stat().st_size) for name, path in files.items()}
    manifest = manifest_of(read_info(root), entries)
    save_manifest(root, manifest)
    return manifest


def save_manifest(root: Path, manifest: Manifest) -> None:
    """Write ``root/manifest.json``, atomically; the bytes are the same for the same files."""
    content = manifest.model_dump(mode="json", exclude=set() if manifest.copied else {"copied"})
    write_text_atomic(root / MANIFEST_FILE, json.dumps(content, indent=1) + "\n")


def read_manifest(root: Path) -> Manifest:
    """Read ``root/manifest.json`` and check that its version follows from its own lines."""
    path = root / MANIFEST_FILE
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(
            f"{root} is not a prepared dataset: cannot read {MANIFEST_FILE} ({reason_of(error)}); prepare it again"
        ) from error
    except ValidationError as error:
        key, message = first_problem(error)
        raise UserError(f"{path} is damaged at {key or 'its start'}: {message}; prepare the dataset again") from error
    if manifest.version != version_of({name: entry.sha256 for name, entry in manifest.files.items()}):
        raise UserError(f"{path} was edited: its version does not follow from its lines; prepare the dataset again")
    if manifest.splits != _split_counts(manifest.files):
        raise UserError(f"{path} was edited: its split counts are not those of its lines; prepare the dataset again")
    return manifest


def check_sizes(root: Path, manifest: Manifest) -> None:
    """Raise UserError where a listed file is missing or has another size: cheap, so done whenever data is opened."""
    wrong = []
    for name, entry in manifest.files.items():
        try:
            if (root / name).stat().st_size != entry.bytes:
                wrong.append(f"{name} (another size)")
        except OSError:
            wrong.append(f"{name} (missing)")
    if wrong:
        raise UserError(
            f"{root} differs from its manifest: {first_ten(wrong)}; restore the files or prepare the dataset again"
        )
