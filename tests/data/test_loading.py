"""Loading: the same batches from the same seed, whatever the number of workers and the cache."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hyperseg.data.description import ClassInfo, DatasetInfo, write_info
from hyperseg.data.loading import EpochBatches, TrainingSamples, choose_workers, training_loader
from hyperseg.data.manifest import write_manifest
from hyperseg.data.prepared import PreparedDataset, open_dataset
from hyperseg.data.transforms import Augmentation
from hyperseg.errors import UserError

AUGMENTATION = Augmentation(crop_hw=(32, 48), scale_range=(0.5, 2.0), colour_jitter=0.2)


@pytest.fixture
def dataset(tmp_path: Path) -> PreparedDataset:
    root = tmp_path / "data" / "tiny"
    rng = np.random.default_rng(0)
    for split, count in (("train", 5), ("val", 2)):
        for kind in ("images", "labels"):
            (root / split / kind).mkdir(parents=True)
        for i in range(count):
            image, label = rng.integers(0, 256, (40, 56, 3), np.uint8), rng.integers(0, 4, (40, 56), np.uint8)
            Image.fromarray(image).save(root / split / "images" / f"{split}{i}.png")
            Image.fromarray(label).save(root / split / "labels" / f"{split}{i}.png")
    classes = tuple(ClassInfo(name=name, colour=(i, i, i)) for i, name in enumerate(("a", "b", "c")))
    write_info(
        root, DatasetInfo(id="tiny", title="Tiny", classes=classes, void=3, licence="-", citation="-", source="-")
    )
    write_manifest(root)
    return open_dataset(root)


def batch_hashes(dataset: PreparedDataset, workers: int, *, cache: bool = False, seed: int = 7) -> list[str]:
    samples = TrainingSamples(dataset, "train+val", AUGMENTATION, void="class", seed=seed, cache=cache)
    loader = training_loader(samples, EpochBatches(2, 7, 3), workers)
    return [
        hashlib.sha256(images.numpy().tobytes() + labels.numpy().tobytes()).hexdigest() for images, labels in loader
    ]


def test_batches_do_not_depend_on_the_workers_or_the_cache(dataset: PreparedDataset) -> None:
    reference = batch_hashes(dataset, 0)
    assert len(reference) == 4  # 7 images are two batches of 3, twice
    assert len(set(reference)) == 4
    assert batch_hashes(dataset, 1) == reference
    assert batch_hashes(dataset, 2) == reference
    assert batch_hashes(dataset, 2, cache=True) == reference  # fills the cache
    assert batch_hashes(dataset, 0, cache=True) == reference  # reads it
    assert batch_hashes(dataset, 0, seed=8) != reference


def test_cache_lies_beside_the_dataset_under_its_version(dataset: PreparedDataset) -> None:
    batch_hashes(dataset, 0, cache=True)
    folder = dataset.root.parent / ".pixels" / f"tiny-{dataset.version[:16]}-2"
    assert list(folder.rglob("*.image.npy"))
    assert not [path for path in folder.rglob("*") if path.name.startswith(".")]
    assert open_dataset(dataset.root).version == dataset.version


def test_void_is_a_class_or_ignored(dataset: PreparedDataset) -> None:
    for void, expected in (("class", {0, 1, 2, 3}), ("ignore", {0, 1, 2, 255})):
        samples = TrainingSamples(
            dataset, "train", Augmentation(crop_hw=(20, 20)), void=void, seed=0  # type: ignore[arg-type]
        )  # fmt: skip
        assert set(samples[0, 0][1].unique().tolist()) == expected


def test_samples_are_drawn_with_replacement_from_all_joined_splits(dataset: PreparedDataset) -> None:
    samples = TrainingSamples(
        dataset, "train+val", Augmentation(crop_hw=(40, 56), flip_probability=0), void="class", seed=0
    )
    assert len(samples.samples) == 7
    drawn = [hashlib.sha256(samples[epoch, i][0].numpy().tobytes()).hexdigest() for epoch in range(8) for i in range(7)]
    assert len(set(drawn)) == 7
    assert any(len(set(drawn[start : start + 7])) < 7 for start in range(0, 56, 7))


def test_epochs_leave_out_what_fills_no_batch() -> None:
    batches = list(EpochBatches(2, 5, 2))
    assert batches == [[(0, 0), (0, 1)], [(0, 2), (0, 3)], [(1, 0), (1, 1)], [(1, 2), (1, 3)]]
    assert len(EpochBatches(2, 5, 2)) == 4


def test_unknown_split_and_too_small_padding_are_told(dataset: PreparedDataset) -> None:
    with pytest.raises(UserError, match="no split 'testing'"):
        TrainingSamples(dataset, "testing", AUGMENTATION, void="class", seed=0)
    samples = TrainingSamples(dataset, "train", Augmentation(pad_hw=(32, 32)), void="class", seed=0)
    with pytest.raises(UserError, match="pad_hw 32x32; raise pad_hw"):
        samples[0, 0]


@pytest.mark.parametrize(
    ("device", "cores", "workers"), [("cpu", 2, 0), ("cpu", 8, 1), ("cuda", 1, 1), ("cuda", 8, 7), ("cuda", 64, 16)]
)
def test_workers_come_from_the_machine(device: str, cores: int, workers: int) -> None:
    assert choose_workers(device, cores) == workers
