"""Training batches: every sample is a function of (seed, epoch, index) alone, whatever the number of workers."""

import signal
from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from hyperseg.data.pixels import PixelSource, pixel_source
from hyperseg.data.prepared import PreparedDataset
from hyperseg.data.rare_classes import RareClassSampling, pixel_of
from hyperseg.data.transforms import Augmentation, augment, draw
from hyperseg.errors import UserError
from hyperseg.processors import usable_cores

Item = tuple[torch.Tensor, torch.Tensor]
Key = tuple[int, int]  # (epoch, index in the epoch)
MAX_WORKERS = 16


class TrainingSamples(Dataset[Item]):
    """Augmented samples, drawn with replacement: key (epoch, index) -> image uint8 (H, W, 3), label uint8 (H, W)."""

    def __init__(
        self,
        dataset: PreparedDataset,
        split: str,
        augmentation: Augmentation,
        *,
        void: Literal["ignore", "class"],
        seed: int,
        cache: bool = True,
        rare_class_temperature: float | None = None,
    ) -> None:
        self.samples = dataset.samples(split)
        if not self.samples:
            raise UserError(
                f"split '{split}' of dataset {dataset.id} in {dataset.root} is empty; choose another train_split"
            )
        self.augmentation = augmentation
        self.seed = seed
        self.pixels = pixel_source(dataset, self.samples, void) if cache else PixelSource(void, None)
        self.rare_classes = None
        if rare_class_temperature is not None:
            labels = (self.pixels.read(sample)[1] for sample in self.samples)
            self.rare_classes = RareClassSampling(labels, len(dataset.classes), rare_class_temperature)

    def __getitem__(self, key: Key) -> Item:
        rng = np.random.default_rng((self.seed, *key))
        if self.rare_classes:
            index, rare = self.rare_classes.draw(rng)
        else:
            index, rare = int(rng.integers(len(self.samples))), None
        sample = self.samples[index]
        image, label = self.pixels.read(sample)
        if image.shape[:2] != label.shape:
            raise UserError(
                f"image {sample.image} is {image.shape[0]}x{image.shape[1]} and its label "
                f"{label.shape[0]}x{label.shape[1]}; run `hyperseg data verify`"
            )
        around = None if rare is None else pixel_of(label, rare, rng)
        choices = draw(self.augmentation, label.shape, rng, around)
        image, label = augment(image, label, self.augmentation, choices)
        target = self.augmentation.pad_hw
        if target and self.augmentation.crop_hw is None and label.shape != target:
            raise UserError(
                f"image {sample.image} is {label.shape[0]}x{label.shape[1]} after its resize, more than "
                f"training.pad_hw {target[0]}x{target[1]}; raise pad_hw or set crop_hw"
            )
        return _tensor(image), _tensor(label)


def _tensor(array: np.ndarray) -> torch.Tensor:
    """The array as a tensor, copied only where torch could not hold it."""
    return torch.from_numpy(np.require(array, requirements=["C", "W"]))


class EpochBatches(Sampler[list[Key]]):
    """Keys of a training from `first_step` (counted from 0) to its end, batch by batch.

    Images that do not fill an epoch's last batch are left out. `share` (i, n): the i-th of n equal parts of each batch.
    """

    def __init__(
        self, epochs: int, images_per_epoch: int, batch: int, first_step: int = 0, share: tuple[int, int] = (0, 1)
    ) -> None:
        self.batch, self.first_step = batch, first_step
        part = batch // share[1]
        self.places = range(share[0] * part, (share[0] + 1) * part)
        self.steps_per_epoch = images_per_epoch // batch
        self.steps = epochs * self.steps_per_epoch

    def __len__(self) -> int:
        return self.steps - self.first_step

    def __iter__(self) -> Iterator[list[Key]]:
        for step in range(self.first_step, self.steps):
            epoch, place = divmod(step, self.steps_per_epoch)
            yield [(epoch, place * self.batch + index) for index in self.places]


def training_loader(samples: TrainingSamples, batches: EpochBatches, workers: int) -> DataLoader[Item]:
    """The batches in order: images uint8 (B, H, W, 3), labels uint8 (B, H, W).

    As uint8 four times fewer bytes pass between processes and to the device;
    :func:`hyperseg.data.transforms.normalize` makes the network's input of them.
    """
    return DataLoader(
        samples,
        batch_sampler=batches,
        num_workers=workers,
        pin_memory=torch.cuda.is_available(),
        prefetch_factor=4 if workers else None,
        worker_init_fn=_leave_signals_to_the_training,
        generator=torch.Generator(),  # its own: making an iterator draws a random number
    )


def _leave_signals_to_the_training(worker: int) -> None:
    """A Ctrl-C reaches every process of the terminal; the training saves its state and ends its workers itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def choose_workers(device: str, cores: int | None = None) -> int:
    """Loading processes for a training on `device` ('cpu' or 'cuda'); `cores` defaults to this process's own.

    A network on the CPU wants every core itself, and loading is a few percent of its work, so one worker at most; a GPU
    leaves the cores free, all but one for the process that feeds it.
    """
    if cores is None:
        cores = usable_cores()
    if device == "cpu":
        return 1 if cores > 2 else 0
    return max(1, min(cores - 1, MAX_WORKERS))
