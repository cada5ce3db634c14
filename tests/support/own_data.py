"""Own data put into a dataset by `hyperseg data add`, as the tests of it share it."""

from pathlib import Path

import numpy as np
from click.testing import CliRunner, Result
from PIL import Image

from hyperseg.cli.data import command
from hyperseg.datasets.verify import verify
from hyperseg.errors import UserError

SPLITS = {"train": 2, "val": 1}


def cli(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def told(result: Result) -> str:
    assert isinstance(result.exception, UserError), result.output
    assert "\n" not in str(result.exception)
    return str(result.exception)


def add(folder: Path, *more: object, copy: bool = True) -> Result:
    out = ("--out", folder.parent / "data" / "made") if copy else ()
    return cli("add", folder, "--classes", folder.parent / "classes.yaml", *out, *more)


def made(folder: Path, copy: bool = True):
    return verify(folder.parent / "data" / "made" if copy else folder)


def change_labels(folder: Path, change) -> None:
    for path in folder.glob("*/labels/*.png"):
        picture = change(np.asarray(Image.open(path)))
        picture.save(path)
