"""Small archives in the layouts of the published datasets."""

from collections.abc import Callable
from pathlib import Path

import pytest
from small_layouts import FRAMES, colour_label

from hyperseg.datasets.camvid_classes import COLOURS


@pytest.fixture
def cambridge(make) -> dict[str, dict[str, bytes]]:
    """The two archives of the Cambridge source, by member."""
    images, labels = {}, {}
    for seed, frame in enumerate(FRAMES.values()):
        images[f"701_StillsRaw_full/{frame}.png"] = make.png(make.noise(seed))
        labels[f"{frame}_L.png"] = make.png(colour_label(seed, list(COLOURS)))
    return {"701_StillsRaw_full.zip": images, "LabeledApproved_full.zip": labels}


@pytest.fixture
def brought(make, tmp_path) -> Callable[[dict[str, dict[str, bytes]]], Path]:
    """Archives as files in one folder."""

    def bring(archives: dict[str, dict[str, bytes]]) -> Path:
        return make.write_files(tmp_path / "source", {name: make.zip_of(files) for name, files in archives.items()})

    return bring
