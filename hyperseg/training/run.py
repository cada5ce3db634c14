"""One training, from a recipe to a weights file and its record."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from hyperseg.data.loading import TrainingSamples, choose_workers, training_loader
from hyperseg.data.prepared import PreparedDataset
from hyperseg.data.transforms import Augmentation
from hyperseg.files import sha256_file
from hyperseg.kernels.native.build import compiler_version
from hyperseg.kernels.native.libraries import training_available
from hyperseg.memory import keep_freed_memory
from hyperseg.models import HyperSeg, create_model, save_weights
from hyperseg.records import DatasetRef, Provenance, Record, TrainingNumbers, write_record
from hyperseg.records.network import network_ref
from hyperseg.records.provenance import provenance
from hyperseg.training.checkpoint import Checkpoint, Schedule
from hyperseg.training.checks import check_disk, check_training
from hyperseg.training.folder import output_folder
from hyperseg.training.guards import Guards
from hyperseg.training.loop import Validation, fit
from hyperseg.training.progress import TrainingProgress
from hyperseg.training.recipe import WITHOUT_EFFECT, Recipe

WEIGHTS_FILE = "weights.safetensors"
RECORD_FILE = "train.json"
ROUNDING_PACKAGES = ("torch", "timm", "numpy", "pillow")  # those whose arithmetic a training uses


def train(
    variant: str,
    dataset: PreparedDataset,
    recipe: Recipe,
    out: Path,
    *,
    seed: int = 0,
    device: torch.device | None = None,
    campaign: str = "none",
    validation: Validation | None = None,
) -> Record:
    """Train `variant` and write ``out/weights.safetensors`` and ``out/train.json``; returns the record.

    `validation` scores the recipe's `selection_split`, after every `validate_every` epochs. The same call on the same
    machine gives the same weights, bit by bit; after an interruption it goes on after the last step that was kept in
    `out`, to the same weights too. Raises :class:`UserError`, and
    :class:`hyperseg.training.stop.TrainingInterrupted` after Ctrl-C or SIGTERM.
    """
    device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
    check_training(variant, dataset, recipe, device, validation)
    with output_folder(out):
        return _train(variant, dataset, recipe, out, seed, device, campaign, validation)


def _train(
    variant: str,
    dataset: PreparedDataset,
    recipe: Recipe,
    out: Path,
    seed: int,
    device: torch.device,
    campaign: str,
    validation: Validation | None,
) -> Record:
    started_at, started = datetime.now(UTC), time.monotonic()
    make_deterministic(seed, recipe.threads)
    if device.type == "cpu":
        keep_freed_memory()
    provenance_ = provenance(threads=torch.get_num_threads())
    compiler = compiler_version() if training_available() else None  # of native operators, which round differently
    shown = TrainingProgress(f"train {variant} seed {seed}", recipe.epochs, recipe.steps, recipe.batch)
    checkpoint = Checkpoint(
        out,
        settings={
            "variant": variant,
            "recipe": recipe.model_dump(mode="json", exclude=set(WITHOUT_EFFECT)),
            "seed": seed,
            "dataset": dataset.version,
            "device": device.type,
            "validation": validation.settings if validation else None,
        },
        environment=_environment(provenance_, compiler),
        every_s=recipe.checkpoint_every_s,
        every_steps=recipe.checkpoint_every_steps,
        say=shown.say,
    )
    saved = checkpoint.read()
    samples = TrainingSamples(
        dataset, recipe.train_split, _augmentation(recipe), void=recipe.void, seed=seed, cache=recipe.pixel_cache
    )
    workers = recipe.workers if recipe.workers is not None else choose_workers(device.type)
    batches = training_loader(
        samples,
        epochs=recipe.epochs,
        images_per_epoch=recipe.images_per_epoch,
        batch=recipe.batch,
        workers=workers,
        first_step=saved.state.step if saved else 0,
    )
    model = _network(variant, dataset, recipe, device)
    check_disk(out, model)
    guards = Guards(recipe, model.num_classes, out)
    with shown:
        result = fit(model, batches, recipe, device, shown, guards, validation, Schedule(checkpoint), saved)

    (out / RECORD_FILE).unlink(missing_ok=True)  # a record never stands beside weights that it is not of
    save_weights(model, out / WEIGHTS_FILE)
    config: dict[str, Any] = {
        "recipe": recipe.model_dump(mode="json"),
        "workers": workers,
        "compiler": compiler,
        "selected_epoch": result.selected_epoch,
        "validation": validation.settings if validation else None,
        "resumed": result.resumed,
    }
    record = Record(
        campaign=campaign,
        network=network_ref(model, weights_sha256=sha256_file(out / WEIGHTS_FILE)),
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


def _environment(run: Provenance, compiler: str | None) -> dict[str, Any]:
    """What rounding depends on beside the settings."""
    packages = {name: run.packages[name] for name in ROUNDING_PACKAGES if name in run.packages}
    return packages | {"threads": run.threads, "processor": run.machine.cpu, "compiler": compiler}


def _augmentation(recipe: Recipe) -> Augmentation:
    return Augmentation(
        crop_hw=recipe.crop_hw,
        pad_hw=recipe.pad_hw,
        scale_range=recipe.scale_range,
        scale_probability=recipe.scale_probability,
        flip_probability=recipe.flip_probability,
        colour_jitter=recipe.colour_jitter,
        rotation_degrees=recipe.rotation_degrees,
        rotation_label=recipe.rotation_label,
    )


def _network(variant: str, dataset: PreparedDataset, recipe: Recipe, device: torch.device) -> HyperSeg:
    """The network to train, on its device."""
    model = create_model(
        variant,
        pretrained_backbone=recipe.pretrained_backbone,
        num_classes=num_classes(dataset, recipe),
        backbone=recipe.backbone,
        slices=recipe.slices,
        stochastic_depth=recipe.stochastic_depth,
        dropout=recipe.dropout,
    ).to(device)
    return model.to(memory_format=torch.channels_last) if recipe.channels_last else model


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
