"""A server on loopback, and small datasets in the layouts of the published ones."""

import io
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from http_site import Page, Site
from PIL import Image

# Where Python keeps no bytecode, each process that a test starts would compile the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that none of several processes ends with a long file alone."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks of devices of this test's own: another job on this machine may hold the real ones."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def zip_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def noise(seed: int, height: int = 24, width: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def write_files(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


@dataclass(frozen=True)
class Make:
    """The helpers above, for tests: conftest modules are not for importing."""

    png = staticmethod(png)
    zip_of = staticmethod(zip_of)
    noise = staticmethod(noise)
    write_files = staticmethod(write_files)
    page = Page


@pytest.fixture
def make() -> Make:
    return Make()


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A sound prepared dataset `mini`: three classes, void 3, train 4, val 2, test 2."""
    from hyperseg.data.description import ClassInfo, DatasetInfo
    from hyperseg.datasets.sealing import seal

    root = tmp_path / "mini"
    seed = 0
    for split, count in {"train": 4, "val": 2, "test": 2}.items():
        for index in range(count):
            seed += 1
            label = np.random.default_rng(seed).integers(0, 4, (24, 32), dtype=np.uint8)
            label[0, 0] = 255
            name = f"{split}{index}.png"
            write_files(root, {f"{split}/images/{name}": png(noise(seed)), f"{split}/labels/{name}": png(label)})
    colours = {"road": (128, 64, 128), "sky": (128, 128, 128), "car": (64, 0, 128)}
    info = DatasetInfo(
        id="mini",
        title="Mini",
        classes=tuple(ClassInfo(name=name, colour=colour) for name, colour in colours.items()),
        void=3,
        licence="none",
        citation="none",
        source="a test",
    )
    seal(root, info)
    return root


# Two processes that compile into one folder read each other's half-written libraries.
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(Path(tempfile.gettempdir()) / f"torchinductor_{os.getuid()}_{worker}")
