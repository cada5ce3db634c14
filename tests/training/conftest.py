"""A tiny prepared dataset whose classes a network can learn from colour, and a hook into a training's steps."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hyperseg.data.description import ClassInfo, DatasetInfo, write_info
from hyperseg.data.manifest import write_manifest
from hyperseg.training import loop, schedule
from hyperseg.training.recipe import Recipe

COLOURS = ((200, 60, 60), (60, 200, 60), (60, 60, 200))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes and void (3), 150x150, splits train (4), val (2) and test (3)."""
    root = tmp_path_factory.mktemp("data") / "tiny"
    rng = np.random.default_rng(0)
    for split, count in (("train", 4), ("val", 2), ("test", 3)):
        for kind in ("images", "labels"):
            (root / split / kind).mkdir(parents=True)
        for i in range(count):
            label = np.kron(rng.integers(0, 3, (5, 5)), np.ones((30, 30))).astype(np.uint8)
            image = np.array([*COLOURS])[label] + rng.integers(-30, 30, (150, 150, 3))
            label[:, :4] = 3
            Image.fromarray(image.astype(np.uint8)).save(root / split / "images" / f"{split}{i}.png")
            Image.fromarray(label).save(root / split / "labels" / f"{split}{i}.png")
    classes = tuple(ClassInfo(name=n, colour=c) for n, c in zip(("red", "green", "blue"), COLOURS, strict=True))
    info = DatasetInfo(id="tiny", title="Tiny", classes=classes, void=3, licence="-", citation="-", source="-")
    write_info(root, info)
    write_manifest(root)
    return root


@pytest.fixture
def at_step(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], None]], None]:
    """Have something done when a training comes to a step (counted from 0)."""
    rate = schedule.learning_rate

    def arrange(wanted: int, act: Callable[[], None]) -> None:
        def learning_rate(recipe: Recipe, step: int) -> float:
            if step == wanted:
                act()
            return rate(recipe, step)

        monkeypatch.setattr(loop, "learning_rate", learning_rate)

    return arrange
