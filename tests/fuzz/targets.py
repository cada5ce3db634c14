"""The readers of what users bring, each as a function of bytes, and sound bytes to begin from.

A reader returns a value or raises its own error with one line. Anything else is a fault, and the function raises it.
"""

import io
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import yaml
from PIL import Image
from pipeline_checkout import TINY
from record_factory import evaluation, latency, training

from hyperseg.data.pictures import PictureError, read_indices, read_picture
from hyperseg.datasets.colours import ColourMap
from hyperseg.datasets.unpack import Limits, damage_of, is_archive, kind_of_file, unpack
from hyperseg.errors import UserError
from hyperseg.pipeline.campaign import load_campaign
from hyperseg.records import read_record

COLOURS = ColourMap({(0, 0, 0): 0, (255, 0, 0): 1, (0, 0, 255): 255})


def archive(data: bytes) -> None:
    """Nothing is written outside the target, and nothing but files and folders inside it."""
    with tempfile.TemporaryDirectory() as folder:
        file, target = Path(folder, "archive"), Path(folder, "target")
        file.write_bytes(data)
        target.mkdir()
        is_archive(file), kind_of_file(file), damage_of(file)
        with refusals(UserError):
            unpack(file, target, Limits(files=20, total_bytes=1 << 20))
        assert {path.name for path in Path(folder).iterdir()} == {"archive", "target"}
        assert file.read_bytes() == data
        assert all(path.is_file() or path.is_dir() for path in target.rglob("*"))
        assert not any(path.is_symlink() for path in target.rglob("*"))


def picture(data: bytes) -> None:
    """Pictures are (H, W, 3) and labels (H, W), of bytes; of colours, each pixel is of a class, ignored or counted."""
    with refusals(PictureError):
        pixels = read_picture(data)
        assert (pixels.dtype, pixels.ndim, pixels.shape[2]) == (np.uint8, 3, 3)
        label, unknown = COLOURS.apply(Image.fromarray(pixels))
        assert set(np.unique(label)) <= {0, 1, 255}
        assert sum(unknown.values()) <= (label == 255).sum()
    with refusals(PictureError):
        indices = read_indices(data)
        assert (indices.dtype, indices.ndim) == (np.uint8, 2)


def record(data: bytes) -> None:
    """What is read is written as the same record again."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "record.json")
        file.write_bytes(data)
        with refusals(UserError):
            found = read_record(file)
            assert type(found).model_validate_json(found.model_dump_json()) == found


def campaign(data: bytes) -> None:
    """Names and folders of what is read are fit for paths and command lines."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "campaign.yaml")
        file.write_bytes(data)
        with refusals(UserError):
            found = load_campaign(file)
            assert found.campaign.replace("_", "a").isalnum()
            assert ".." not in Path(found.dataset.folder).parts
            assert not set("\"'`$\\\n;|&<>") & set(found.dataset.folder + found.evaluation.split)


class refusals:
    """Errors that are a reader's own, if they are one line that can be printed."""

    def __init__(self, kind: type[Exception]) -> None:
        self.kind = kind

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, self.kind):
            return False
        assert str(error).isprintable(), repr(str(error))
        return True


def zip_bytes() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("a/b.txt", b"text" * 9)
        zipped.writestr("c.txt", b"")
    return buffer.getvalue()


def tar_bytes(mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=tarfile.PAX_FORMAT) as tarred:  # type: ignore[call-overload]
        info = tarfile.TarInfo("a/ü.txt")
        info.size = 4
        tarred.addfile(info, io.BytesIO(b"text"))
    return buffer.getvalue()


def picture_bytes(kind: str, mode: str) -> bytes:
    buffer = io.BytesIO()
    pixels = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    Image.fromarray(pixels).convert(mode).save(buffer, kind)
    return buffer.getvalue()


TARGETS: dict[str, tuple[Callable[[bytes], None], list[bytes]]] = {
    "archive": (archive, [zip_bytes(), *(tar_bytes(mode) for mode in ("w", "w:gz", "w:bz2", "w:xz"))]),
    "picture": (
        picture,
        [picture_bytes(*one) for one in (("PNG", "RGB"), ("PNG", "P"), ("PNG", "L"), ("PNG", "I;16"),
         ("JPEG", "RGB"), ("TIFF", "RGB"), ("WEBP", "RGB"), ("BMP", "L"))],
    ),
    "record": (record, [one.model_dump_json().encode() for one in (training(), evaluation(), latency())]),
    "campaign": (campaign, [yaml.safe_dump(TINY).encode()]),
}  # fmt: skip
