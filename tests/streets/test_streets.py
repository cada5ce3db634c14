"""The pictures of the embedded dataset: the same for ever, everywhere, and worth learning from."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from hyperseg.data.png import encode_palette, encode_rgb
from hyperseg.streets import CLASSES, Kind, render
from hyperseg.streets.randomness import Stream, random_bytes

PALETTE = [colour for _, colour in CLASSES]

# seed, split, index, height, width -> sha256 of image + labels, and of both PNG files.
GOLDEN = {
    (0, "train", 0, 360, 480): (
        "35ec9f0e470934ea20b7625f780599bd030d73f5a88b472db7dc72c370e2daec",
        "7aaecf60ea7d6296ee1961de4eeb8eceeb5774d440e1be3ae2d0b4181585eadc",
    ),
    (0, "train", 1, 96, 128): (
        "c3f35a0de898e8b21806ce62629f5f198bf18eea1e890bdbccd79cb880f0bb7c",
        "ab076c139cbddd64d3eb37e64ce4c1aa903fda5f2c67bf4809f7d5799b76e953",
    ),
    (0, "val", 7, 256, 256): (
        "b2dd3dfc02aead74731e169ee80836cbb58cd1f70e81cdfc0aed3ce610ac16d5",
        "9cf92b733be7933c357a9bf5b33fae68373c6486574081a7161787430a86f08e",
    ),
    (3, "test", 11, 47, 61): (
        "13c8ba7dcb8b84fa394b4386189d569a85bfff11001612df46c9d177959a8aa2",
        "b4db42c558661c9a3ba2d68fc590828fea13d8ce09bca9a3217e347034e84368",
    ),
    (12345, "train", 99, 192, 512): (
        "5f1fc08b4eb8f8e95dc8fdc54801fc01e56f9d36b1d12245d77a16f6763c63cb",
        "214c15bc95831c52ccc376717ee772e8c8610e2904b08f73633f521593990b83",
    ),
    (0, "test", 2, 360, 480): (
        "9edee2dd631f2c648c18fc586c88f6430280c239b78b121ba17a9d965be9f580",
        "87a42e6b1ef3d4ef4ef5946a3ccef07efc0c7d3a55c4f8f64ea07638346c18d8",
    ),
}

_PRINT_HASHES = """
import hashlib, sys
from hyperseg.streets import render
for index in (4, 2, 0):
    image, labels = render(0, "val", index, 120, 160)
    print(index, hashlib.sha256(image.tobytes() + labels.tobytes()).hexdigest())
"""


def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()


@pytest.fixture(scope="module")
def scenes() -> list[tuple[np.ndarray, np.ndarray]]:
    """Sixty small scenes."""
    return [render(0, "train", index, 96, 128) for index in range(60)]


@pytest.mark.parametrize("case", GOLDEN, ids=str)
def test_the_bytes_never_change(case: tuple[int, str, int, int, int]) -> None:
    image, labels = render(*case)
    assert image.shape == (*case[3:], 3)
    assert labels.shape == case[3:]
    assert image.dtype == labels.dtype == np.uint8
    pixels, files = GOLDEN[case]
    assert digest(image.tobytes(), labels.tobytes()) == pixels
    assert digest(encode_rgb(image), encode_palette(labels, PALETTE)) == files


def test_neither_order_nor_process_nor_vector_units_change_a_picture() -> None:
    here = []
    for index in (0, 2, 4):
        image, labels = render(0, "val", index, 120, 160)
        here.append(f"{index} {digest(image.tobytes(), labels.tobytes())}")
    extensions = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(extensions), "PYTHONHASHSEED": "7"}
    there = subprocess.run(
        [sys.executable, "-c", _PRINT_HASHES], env=environment, capture_output=True, text=True, check=True
    )
    assert sorted(there.stdout.split("\n")[:3]) == here


def test_every_class_is_common(scenes: list[tuple[np.ndarray, np.ndarray]]) -> None:
    counts = np.array([np.bincount(labels.ravel(), minlength=len(Kind)) for _, labels in scenes])
    assert counts.shape[1] == len(Kind) == 11
    present = (counts > 0).mean(axis=0)
    assert (present >= 0.6).all(), dict(zip(Kind, present, strict=True))
    share = counts.sum(axis=0) / counts.sum()
    for label, low, high in (
        (Kind.SKY, 0.12, 0.28),
        (Kind.BUILDING, 0.12, 0.30),
        (Kind.ROAD, 0.22, 0.40),
        (Kind.PAVEMENT, 0.03, 0.12),
        (Kind.TREE, 0.05, 0.18),
        (Kind.CAR, 0.02, 0.10),
        (Kind.POLE, 0.005, 0.03),
        (Kind.SIGN, 0.004, 0.03),
        (Kind.FENCE, 0.008, 0.04),
        (Kind.PEDESTRIAN, 0.003, 0.02),
        (Kind.BICYCLIST, 0.002, 0.02),
    ):
        assert low < share[label] < high, (label, share[label])


def test_no_two_scenes_are_alike(scenes: list[tuple[np.ndarray, np.ndarray]]) -> None:
    assert len({labels.tobytes() for _, labels in scenes}) == len(scenes)
    assert len({image.tobytes() for image, _ in scenes}) == len(scenes)
    brightness = [float(image.mean()) for image, _ in scenes]
    assert max(brightness) - min(brightness) > 60.0
    horizon = [int(np.argmax((labels == Kind.ROAD).any(axis=1))) for _, labels in scenes]
    assert max(horizon) - min(horizon) > 8


def test_seed_split_and_index_each_choose_the_scene() -> None:
    pictures = {render(*key, 64, 64)[0].tobytes() for key in ((0, "train", 0), (1, "train", 0), (0, "val", 0))}
    assert len(pictures) == 3


def test_labels_lie_under_their_pixels(scenes: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Across a boundary of classes colours change more than across a line moved off it, to either side."""
    steps = {shift: [] for shift in (-4, 0, 4)}
    for image, labels in scenes:
        change = np.abs(np.diff(image.astype(np.int64), axis=1)).sum(axis=2)
        boundary = labels[:, 1:] != labels[:, :-1]
        for shift, found in steps.items():
            found.append(change[:, 8:-8][np.roll(boundary, shift, axis=1)[:, 8:-8]].mean())
    on, left, right = (float(np.mean(steps[shift])) for shift in (0, -4, 4))
    assert on > 1.4 * left
    assert on > 1.4 * right


def test_a_scene_is_the_same_at_every_size() -> None:
    for index in range(4):
        _, large = render(0, "test", index, 240, 320)
        _, small = render(0, "test", index, 120, 160)
        assert (large[::2, ::2] == small).mean() > 0.85


def test_colour_and_place_tell_classes_apart(scenes: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Counting classes per (row, coarse colour) in forty scenes predicts others far better than the commonest class."""

    def cells(image: np.ndarray) -> np.ndarray:
        rows = np.broadcast_to(np.arange(96)[:, None] // 12, (96, 128)).astype(np.int64)
        red, green, blue = np.moveaxis(image.astype(np.int64) // 43, 2, 0)
        return ((rows * 6 + red) * 6 + green) * 6 + blue

    votes = np.zeros((8 * 216, 11), dtype=np.int64)
    for image, labels in scenes[:40]:
        np.add.at(votes, (cells(image), labels.astype(np.int64)), 1)
    guess = votes.argmax(axis=1)
    truth = np.concatenate([labels.ravel() for _, labels in scenes[40:]])
    right = np.concatenate([(guess[cells(image)] == labels).ravel() for image, labels in scenes[40:]]).mean()
    commonest = np.bincount(truth).max() / truth.size
    assert right > commonest + 0.25


def test_stream_follows_the_published_generator() -> None:
    """First outputs of splitmix64 for the seed 1234567, as published with its reference implementation."""
    stream = Stream(1234567)
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert [stream.bits() for _ in range(4)] == expected
    assert random_bytes(1234567, 19).tobytes() == b"".join(v.to_bytes(8, "little") for v in expected)[:19]


def test_stream_stays_in_range_and_forks_apart() -> None:
    stream = Stream(5)
    draws = [stream.integer(3, 7) for _ in range(200)]
    assert set(draws) == {3, 4, 5, 6}
    assert all(0.25 <= stream.uniform(0.25, 0.5) < 0.5 for _ in range(200))
    assert stream.fork("a").bits() == Stream(5).fork("a").bits() != stream.fork("b").bits()
