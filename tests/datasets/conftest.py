"""Small archives in the layouts of the published datasets."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from own_data import SPLITS
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


@pytest.fixture
def lots(make, tmp_path) -> Path:
    """A sound folder of the layout <split>/images: two classes, lot and car."""
    (tmp_path / "classes.yaml").write_text("classes: [lot, car]\n")
    files, seed = {}, 0
    for split, count in SPLITS.items():
        for index in range(count):
            seed += 1
            files[f"{split}/images/{index}.png"] = make.png(make.noise(seed))
            label = np.random.default_rng(seed).integers(0, 2, (24, 32), dtype=np.uint8)
            files[f"{split}/labels/{index}.png"] = make.png(label)
    return make.write_files(tmp_path / "lots", files)
