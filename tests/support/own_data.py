"""Own data put into a dataset by `hyperseg data add`, as the tests of it share it."""

from pathlib import Path

import numpy as np
from click.testing import Result
from data_command import cli
from PIL import Image

from hyperseg.datasets.verify import verify

SPLITS = {"train": 2, "val": 1}


def add(folder: Path, *more: object, copy: bool = True) -> Result:
    out = ("--out", folder.parent / "data" / "made") if copy else ()
    return cli("add", folder, "--classes", folder.parent / "classes.yaml", *out, *more)


def made(folder: Path, copy: bool = True):
    return verify(folder.parent / "data" / "made" if copy else folder)


def change_labels(folder: Path, change) -> None:
    for path in folder.glob("*/labels/*.png"):
        picture = change(np.asarray(Image.open(path)))
        picture.save(path)
