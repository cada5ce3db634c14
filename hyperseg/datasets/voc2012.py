"""Preparing PASCAL VOC 2012 with the SBD labels ("SegmentationClassAug"): train_aug and val.

train_aug is every augmented label but those of VOC's val: 12 031 - 1 449 = 10 582. So no list of it is needed, and no
val picture can be in it.
"""

from pathlib import Path

from hyperseg.datasets.disk import disk_errors
from hyperseg.datasets.intake import Intake
from hyperseg.datasets.published import Outcome, Preparation
from hyperseg.errors import UserError, first_ten


def prepare_train_aug(preparation: Preparation) -> Outcome:
    """Fill the prepared folder with the pictures and the published label files. Raises UserError."""
    intake, out = preparation.intake, preparation.out
    pictures, official, augmented, lists = (
        _folder(intake, "JPEGImages", "VOCtrainval_11-May-2012.tar"),
        _folder(intake, "SegmentationClass", "VOCtrainval_11-May-2012.tar"),
        _folder(intake, "SegmentationClassAug", "SegmentationClassAug.zip"),
        _folder(intake, "Segmentation", "VOCtrainval_11-May-2012.tar"),
    )
    val = _names(lists / "val.txt")
    splits = {
        "train_aug": {path.stem: path for path in sorted(augmented.glob("*.png")) if path.stem not in val},
        "val": {name: official / f"{name}.png" for name in sorted(val)},
    }
    missing = [
        str(path.name)
        for labels in splits.values()
        for name, label in labels.items()
        for path in (label, pictures / f"{name}.jpg")
        if not path.is_file()
    ]
    if preparation.partial:
        splits = {
            split: {n: label for n, label in labels.items() if label.is_file() and (pictures / f"{n}.jpg").is_file()}
            for split, labels in splits.items()
        }
    elif missing:
        raise UserError(f"VOC 2012 lacks files: {first_ten(missing)}; get both archives again")

    def place(item: tuple[str, str, Path]) -> None:
        split, name, label = item
        intake.place(pictures / f"{name}.jpg", out / split / "images" / f"{name}.jpg")
        intake.place(label, out / split / "labels" / f"{name}.png")

    pairs = [(split, name, label) for split, labels in splits.items() for name, label in labels.items()]
    intake.each("pairs", pairs, place)
    return Outcome("VOCtrainval_11-May-2012.tar and SegmentationClassAug.zip")


def _folder(intake: Intake, name: str, archive: str) -> Path:
    folder = intake.folder(name)
    if folder is None:
        raise UserError(f"{intake.place_name} holds no folder {name}; put {archive} there")
    return folder


def _names(path: Path) -> set[str]:
    if not path.is_file():
        raise UserError(f"{path.name} is missing beside VOC's lists; get VOCtrainval_11-May-2012.tar again")
    with disk_errors(path, "get VOCtrainval_11-May-2012.tar again"):
        return set(path.read_text(encoding="utf-8", errors="replace").split())
