"""A small network's weights and two pictures."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_prediction import VARIANT

from hyperseg.models import create_model, save_weights


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    save_weights(create_model(VARIANT, backbone="tf_efficientnet_lite0"), path)
    return path


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    pixels = np.random.default_rng(0).integers(0, 256, (70, 150, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "a.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    (folder / "sub").mkdir()
    Image.fromarray(np.rot90(pixels)).save(folder / "sub" / "b.jpg", exif=exif, quality=100, subsampling=0)
    (folder / "notes.txt").write_text("no picture")
    return folder
