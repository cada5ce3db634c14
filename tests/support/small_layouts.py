"""The published layouts made small, and `hyperseg data prepare` on them."""

import os
from pathlib import Path

import numpy as np
import yaml
from click.testing import Result
from data_command import cli

from hyperseg.datasets.camvid_classes import COLOURS

CAMVID = Path(os.environ.get("HYPERSEG_CAMVID", Path(__file__).parents[2].parent / "shared" / "camvid"))
# One real frame name of each split of the SegNet tutorial.
FRAMES = {"train": "0001TP_006690", "val": "0016E5_07959", "test": "0001TP_008550"}


def prepare(dataset: str, source: Path, tmp_path: Path, splits: dict[str, int], *more: str) -> Result:
    """The command, with a catalogue that expects these few, small images and no checksum of the real archives."""
    catalogue = tmp_path / "catalogue.yaml"
    free = [{"file": name, "md5": None, "sha256": None, "bytes": None, "remade": True} for name in (
        "leftImg8bit_trainvaltest.zip", "gtFine_trainvaltest.zip", "VOCtrainval_11-May-2012.tar",
    )]  # fmt: skip
    known = {"cityscapes": free[:2], "voc2012": free[2:]}
    catalogue.write_text(
        yaml.safe_dump(
            {dataset: {"splits": [splits], "sizes": ["32x24"], "archives": known.get(dataset, [])}}, sort_keys=False
        )
    )
    out = tmp_path / "data" / dataset
    return cli("prepare", dataset, "--source", source, "--out", out, "--catalogue", catalogue, *more)


def nothing_left(tmp_path: Path) -> bool:
    return not (tmp_path / "data").exists() or list((tmp_path / "data").iterdir()) == []


def colour_label(seed: int, names: list[str]) -> np.ndarray:
    table = np.array([COLOURS[name][0] for name in names], np.uint8)
    return table[np.random.default_rng(seed).integers(0, len(names), (24, 32))]


def cityscapes_files(make) -> dict[str, dict[str, bytes]]:
    images, labels = {"README": b"x"}, {}
    for split, city in {"train": "aachen", "val": "lindau", "test": "berlin"}.items():
        stem = f"{split}/{city}/{city}_000000_000019"
        images[f"leftImg8bit/{stem}_leftImg8bit.png"] = make.png(make.noise(len(images)))
        ids = (np.arange(24 * 32).reshape(24, 32) % 34).astype(np.uint8)
        labels[f"gtFine/{stem}_gtFine_labelIds.png"] = make.png(ids)
        labels[f"gtFine/{stem}_gtFine_color.png"] = make.png(make.noise(3))
    return {"leftImg8bit_trainvaltest.zip": images, "gtFine_trainvaltest.zip": labels}


def voc_files(make) -> tuple[dict[str, bytes], dict[str, bytes]]:
    def label(seed: int) -> bytes:
        return make.png(np.random.default_rng(seed).choice([*range(21), 255], (24, 32)).astype(np.uint8))

    base = "VOCdevkit/VOC2012"
    official = {f"{base}/ImageSets/Segmentation/val.txt": b"2007_000033\n", f"{base}/Annotations/x.xml": b"<x/>"}
    augmented = {"__MACOSX/SegmentationClassAug/._x": b"x"}
    for seed, name in enumerate(["2007_000032", "2007_000033", "2008_000002"]):
        official[f"{base}/JPEGImages/{name}.jpg"] = make.png(make.noise(seed))
        augmented[f"SegmentationClassAug/{name}.png"] = label(seed)
    official[f"{base}/SegmentationClass/2007_000033.png"] = label(9)
    return official, augmented
