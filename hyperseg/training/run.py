"""One training, from a recipe to a weights file and its record."""

import os
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from hyperseg.allocator import keep_freed_memory
from hyperseg.data.loading import TrainingSamples, choose_workers, training_loader
from hyperseg.data.prepared import PreparedDataset
from hyperseg.data.transforms import Augmentation
from hyperseg.errors import UserError
from hyperseg.files import sha256_file
from hyperseg.kernels.training import attach, training_kernels
from hyperseg.models import create_model, save_weights
from hyperseg.records import DatasetRef, Record, TrainingNumbers, write_record
from hyperseg.records.network import network_ref
from hyperseg.records.provenance import provenance
from hyperseg.training.checkpoint import Checkpoint
from hyperseg.training.loop import Score, fit
from hyperseg.training.progress import TrainingProgress
from hyperseg.training.recipe import Recipe

WEIGHTS_FILE = "weights.safetensors"
RECORD_FILE = "train.json"


def train(
    variant: str,
    dataset: PreparedDataset,
    recipe: Recipe,
    out: Path,
    *,
    seed: int = 0,
    device: torch.device | None = None,
    campaign: str = "none",
    score: Score | None = None,
) -> Record:
    """Train `variant` and write ``out/weights.safetensors`` and ``out/train.json``; returns the record.

    `score` gives mean IoU in percent on the recipe's `selection_split`, after every `validate_every` epochs. The same
    call on the same machine gives the same weights, bit by bit; after an interruption it goes on after the last epoch
    that was kept in `out`, to the same weights too. Raises :class:`UserError`.
    """
    started_at, started = datetime.now(UTC), time.monotonic()
    device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if recipe.selection == "best" and score is None:
        raise UserError("training.selection is 'best', but nothing scores the epochs; set it to 'last'")
    make_deterministic(seed, recipe.threads)
    if device.type == "cpu":
        keep_freed_memory()
    provenance_ = provenance(threads=torch.get_num_threads())
    augmentation = Augmentation(
        crop_hw=recipe.crop_hw,
        pad_hw=recipe.pad_hw,
        scale_range=recipe.scale_range,
        scale_probability=recipe.scale_probability,
        flip_probability=recipe.flip_probability,
        colour_jitter=recipe.colour_jitter,
        rotation_degrees=recipe.rotation_degrees,
        rotation_label=recipe.rotation_label,
    )
    samples = TrainingSamples(
        dataset, recipe.train_split, augmentation, void=recipe.void, seed=seed, cache=recipe.pixel_cache
    )
    workers = recipe.workers if recipe.workers is not None else choose_workers(device.type)
    checkpoint = Checkpoint(
        out,
        {
            "variant": variant,
            "recipe": recipe.model_dump(mode="json"),
            "seed": seed,
            "dataset": dataset.version,
            "device": device.type,
            "threads": provenance_.threads,
            "packages": provenance_.packages,
            "kernels": asdict(training_kernels(device.type)),
        },
    )
    epochs_before = checkpoint.epochs_done
    batches = training_loader(
        samples,
        epochs=recipe.epochs,
        images_per_epoch=recipe.images_per_epoch,
        batch=recipe.batch,
        workers=workers,
        first_epoch=epochs_before,
    )
    model = create_model(
        variant,
        pretrained_backbone=recipe.pretrained_backbone,
        num_classes=num_classes(dataset, recipe),
        backbone=recipe.backbone,
        slices=recipe.slices,
        stochastic_depth=recipe.stochastic_depth,
        dropout=recipe.dropout,
    ).to(device)
    if recipe.channels_last:
        model = model.to(memory_format=torch.channels_last)
    kernels = attach(model, device.type)
    with TrainingProgress(f"train {variant} seed {seed}", recipe.epochs, recipe.steps, recipe.batch) as progress:
        result = fit(model, batches, recipe, device, progress, score, checkpoint)

    out.mkdir(parents=True, exist_ok=True)
    part = out / f".{WEIGHTS_FILE}.part"
    try:
        save_weights(model, part)
        weights_sha256 = sha256_file(part)
        part.replace(out / WEIGHTS_FILE)
    finally:
        part.unlink(missing_ok=True)
    config: dict[str, Any] = {
        "recipe": recipe.model_dump(mode="json"),
        "workers": workers,
        "kernels": asdict(kernels),
        "selected_epoch": result.selected_epoch,
        "epochs_before_interruption": epochs_before,
    }
    record = Record(
        campaign=campaign,
        network=network_ref(model, weights_sha256=weights_sha256),
        protocol=None,
        dataset=DatasetRef(
            id=dataset.id, version=dataset.version, split=recipe.train_split, images=len(samples.samples)
        ),
        seed=seed,
        config=config,
        provenance=provenance_,
        started_at=started_at,
        duration_s=time.monotonic() - started,
        numbers=TrainingNumbers(
            epochs=result.epochs,
            steps=recipe.steps,
            images_seen=recipe.steps * recipe.batch,
            final_loss=result.epochs[-1].loss,
            selection=recipe.selection,
            selection_split=recipe.selection_split if recipe.selection == "best" else None,
            step_median_ms=result.step_median_ms,
            peak_memory_bytes=result.peak_memory_bytes,
            device=device.type,
            precision=recipe.precision,
        ),
    )
    write_record(out / RECORD_FILE, record)
    checkpoint.remove()
    return record


def num_classes(dataset: PreparedDataset, recipe: Recipe) -> int:
    """Outputs of the network: the dataset's classes, and one for void where the recipe reads it as a class."""
    return len(dataset.classes) + (recipe.void == "class" and dataset.void is not None)


def make_deterministic(seed: int, threads: int | None) -> None:
    """Seed torch, fix its threads and ask for deterministic kernels; sums over threads depend on their number."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Fills every new tensor, in case an operator reads what it never wrote: 7 % of a step on a CPU, and none does.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False
    if threads is not None:
        torch.set_num_threads(threads)
