"""The folder that the generator writes, and its PNG files."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from folder_content import files_in
from PIL import Image

from hyperseg.data.manifest import write_manifest
from hyperseg.data.png import encode_palette, encode_rgb
from hyperseg.data.prepared import open_dataset, read_image, read_label
from hyperseg.errors import UserError
from hyperseg.streets import CLASSES, generate, render
from hyperseg.streets.randomness import random_bytes

PALETTE = [colour for _, colour in CLASSES]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (33, 47), (150, 145), (256, 256)])
def test_pillow_reads_back_the_same_pixels(height: int, width: int) -> None:
    """150 x (145 * 3 + 1) = 65400 and 256 x 769 bytes lie on both sides of a stored block's 65535."""
    image = random_bytes(1, height * width * 3).reshape(height, width, 3)
    labels = random_bytes(2, height * width).reshape(height, width) % 11
    with Image.open(BytesIO(encode_rgb(image))) as picture:
        assert picture.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(picture), image)
    with Image.open(BytesIO(encode_palette(labels, PALETTE))) as picture:
        assert picture.mode == "P"
        np.testing.assert_array_equal(np.asarray(picture), labels)
        np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), np.array(PALETTE, np.uint8)[labels])


def test_a_png_is_its_pixels_and_a_little_more() -> None:
    """Per row 1 byte, per block of 65535 another 5, and 63 for header, checksums and end: no compressor had a say."""
    for height, width in ((96, 128), (360, 480)):
        raw = height * (3 * width + 1)
        blocks = -(-raw // 65535)
        assert len(encode_rgb(np.zeros((height, width, 3), np.uint8))) == raw + 5 * blocks + 63


def test_the_folder_opens_as_a_dataset(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    generate(
        tmp_path / "streets", train=3, val=1, test=2, height=48, width=64, seed=4, progress=lambda *a: told.append(a)
    )
    write_manifest(tmp_path / "streets")
    dataset = open_dataset(tmp_path / "streets")
    assert dataset.id == "streets"
    assert dataset.void is None
    assert dataset.splits == {"train": 3, "val": 1, "test": 2}
    assert [(entry.name, entry.colour) for entry in dataset.classes] == list(CLASSES)
    assert told == [(k, 6) for k in range(1, 7)]
    for split in ("train", "val", "test"):
        for index, sample in enumerate(dataset.samples(split)):
            image, labels = render(4, split, index, 48, 64)
            np.testing.assert_array_equal(read_image(sample), image)
            np.testing.assert_array_equal(read_label(sample), labels)


def test_the_same_seed_gives_the_same_folder(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        generate(tmp_path / name, train=2, val=0, test=1, height=40, width=40, seed=seed)
    first, second, other = (files_in(tmp_path / name) for name in "abc")
    assert first == second
    assert set(first) == set(other)
    assert all(first[name] != other[name] for name in first)
    assert not (tmp_path / "a" / "val").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train": -1}, "number of train pictures is -1"),
        ({"train": 0}, "no picture is asked for"),
        ({"height": 31}, "height is 31 pixels; give one from 32"),
        ({"width": 9000}, "width is 9000 pixels"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, options: dict[str, int], message: str) -> None:
    asked = {"train": 1, "val": 0, "test": 0, "height": 64, "width": 64, **options}
    with pytest.raises(UserError, match=message):
        generate(tmp_path / "out", **asked)
    assert not (tmp_path / "out").exists()


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(UserError, match="already holds something"):
        generate(tmp_path, train=1, val=0, test=0, height=64, width=64)
    assert files_in(tmp_path) == {"note.txt": b"mine"}


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        generate(tmp_path / "file" / "out", train=1, val=0, test=0, height=64, width=64)
