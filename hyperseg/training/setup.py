"""What a training is made of: samples, batches, network."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from hyperseg.data.loading import EpochBatches, TrainingSamples, choose_workers, training_loader
from hyperseg.data.prepared import PreparedDataset
from hyperseg.data.transforms import Augmentation
from hyperseg.kernels.training import TrainingKernels, attach
from hyperseg.models import HyperSeg
from hyperseg.networks import create_network
from hyperseg.rivals.network import RivalNetwork
from hyperseg.training.finetune import start_from
from hyperseg.training.parallel import Processes
from hyperseg.training.recipe import Recipe


@dataclass(frozen=True)
class Initial:
    """Weights that a training starts from."""

    weights: Path
    sha256: str
    renew_head: bool

    @property
    def settings(self) -> dict[str, Any]:
        return {"sha256": self.sha256, "renew_head": self.renew_head}


@dataclass(frozen=True)
class Setup:
    """The parts of one training; `renewed` names tensors of the head that the initial weights did not fit."""

    model: HyperSeg | RivalNetwork
    batches: DataLoader[tuple[Tensor, Tensor]]
    images: int  # of the split
    workers: int
    renewed: list[str]
    kernels: TrainingKernels


def make_setup(
    variant: str,
    dataset: PreparedDataset,
    recipe: Recipe,
    seed: int,
    device: torch.device,
    *,
    first_step: int = 0,
    initial: Initial | None = None,
    among: Processes | None = None,
) -> Setup:
    """Samples, this process's share of the batches from `first_step` on, and the network on its device.

    The order of random draws is fixed.
    """
    augmentation = Augmentation(
        crop_hw=recipe.crop_hw,
        pad_hw=recipe.pad_hw,
        scale_range=recipe.scale_range,
        scale_probability=recipe.scale_probability,
        flip_probability=recipe.flip_probability,
        colour_jitter=recipe.colour_jitter,
        rotation_degrees=recipe.rotation_degrees,
        rotation_label=recipe.rotation_label,
        colour_first=recipe.colour_first,
    )
    samples = TrainingSamples(
        dataset, recipe.train_split, augmentation, void=recipe.void, seed=seed, cache=recipe.pixel_cache,
        rare_class_temperature=recipe.rare_class_temperature,
    )  # fmt: skip
    workers = recipe.workers if recipe.workers is not None else choose_workers(device.type)
    share = (among.rank, among.count) if among else (0, 1)
    keys = EpochBatches(recipe.epochs, recipe.images_per_epoch, recipe.batch, first_step, share)
    batches = training_loader(samples, keys, workers)
    model = create_network(
        variant,
        pretrained_backbone=recipe.pretrained_backbone and initial is None,
        num_classes=num_classes(dataset, recipe),
        backbone=recipe.backbone,
        slices=recipe.slices,
        stochastic_depth=recipe.stochastic_depth,
        dropout=recipe.dropout,
    )
    renewed = start_from(model, initial.weights, initial.renew_head) if initial else []
    model = model.to(device)
    if recipe.channels_last:
        model = model.to(memory_format=torch.channels_last)
    if among and among.count > 1:  # this package's kernels take batch statistics within one process
        kernels = TrainingKernels("torch", None, "PyTorch's operators")
    else:
        kernels = attach(model, device.type)
    return Setup(model, batches, len(samples.samples), workers, renewed, kernels)


def num_classes(dataset: PreparedDataset, recipe: Recipe) -> int:
    """Outputs of the network: the dataset's classes, and one for void where the recipe reads it as a class."""
    return len(dataset.classes) + (recipe.void == "class" and dataset.void is not None)


def make_deterministic(seed: int, threads: int | None) -> None:
    """Seed torch, fix its threads and ask for deterministic kernels; sums over threads depend on their number."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Filling every new tensor guards against uninitialized reads, takes 7 % of a step on a CPU, and is not needed.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False
    if threads is not None:
        torch.set_num_threads(threads)
