"""One training, from a recipe to a weights file and its record."""

import time
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from hyperseg.allocator import keep_freed_memory
from hyperseg.arithmetic import switches
from hyperseg.data.prepared import PreparedDataset
from hyperseg.data.reference import dataset_ref
from hyperseg.files import sha256_file
from hyperseg.kernels.training import TrainingKernels, training_kernels
from hyperseg.models import save_weights
from hyperseg.records import Provenance, Record, TrainingNumbers, write_record
from hyperseg.records.network import network_ref
from hyperseg.records.provenance import provenance
from hyperseg.records.settings import WITHOUT_EFFECT
from hyperseg.training.checkpoint import Checkpoint, CheckpointTimer
from hyperseg.training.checks import check_disk, check_training
from hyperseg.training.folder import RECORD_FILE, WEIGHTS_FILE, check_replaceable, output_folder
from hyperseg.training.guards import Guards, check_finite
from hyperseg.training.loop import Validation, fit
from hyperseg.training.parallel import processes
from hyperseg.training.progress import TrainingProgress
from hyperseg.training.recipe import Recipe
from hyperseg.training.setup import Initial, make_deterministic, make_setup
from hyperseg.training.watch import WATCHERS

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
    initial: Initial | None = None,
    notes: list[str] | None = None,
    watch: Sequence[str] = (),
) -> Record | None:
    """Train `variant` and write ``out/weights.safetensors`` and ``out/train.json``; returns the record.

    Under ``torchrun`` the processes share each batch; all but the one that writes return None.

    `validation` scores epochs, `initial` weights take the place of the backbone's ImageNet weights, `notes` are what a
    reader of the numbers must know, for the record; `watch` names :data:`hyperseg.training.watch.WATCHERS`. The same
    call on the same machine gives the same weights, bit by bit; after an interruption it goes on after the last step
    that was kept in `out`, to the same weights too.

    Raises :class:`UserError`, and :class:`hyperseg.training.stop.TrainingInterrupted` after Ctrl-C or SIGTERM.
    """
    device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)  # kernels and graphs of this package are those of the current one
    check_training(variant, dataset, recipe, device, validation)
    with processes(device) as among, output_folder(out) if among.writes else nullcontext():
        started_at, started = datetime.now(UTC), time.monotonic()
        make_deterministic(seed, recipe.threads)
        if device.type == "cpu":
            keep_freed_memory()
        made_with = provenance(threads=torch.get_num_threads())
        shown = TrainingProgress(
            f"train {variant} seed {seed}", recipe.epochs, recipe.steps, recipe.batch, among.writes
        )
        checkpoint = Checkpoint(
            out,
            settings={
                "variant": variant,
                "recipe": recipe.model_dump(mode="json", exclude=set(WITHOUT_EFFECT)),
                "seed": seed,
                "dataset": dataset.version,
                "device": device.type,
                "validation": validation.settings if validation else None,
                "initial": initial.settings if initial else None,
            },
            environment=_environment(made_with, training_kernels(device.type)) | {"processes": among.count},
            every_s=recipe.checkpoint_every_s,
            every_steps=recipe.checkpoint_every_steps,
            say=shown.say,
        )
        if among.writes:
            check_replaceable(out, checkpoint.settings)
        saved = among.from_writer(checkpoint.read)
        first_step = saved.state.step if saved else 0
        setup = make_setup(variant, dataset, recipe, seed, device, first_step=first_step, initial=initial, among=among)
        model = setup.model
        if setup.renewed:
            shown.say(f"made anew: {', '.join(setup.renewed)}")
        guards = Guards(recipe, model.num_classes, out if among.writes else None)
        checkpoints = CheckpointTimer(checkpoint) if among.writes else None
        if among.writes:
            check_disk(out, model, recipe)
        with shown, ExitStack() as closing:
            watchers = [WATCHERS[name](out, first_step) for name in watch if among.writes]
            for watcher in watchers:
                closing.callback(watcher.close)
            result = fit(
                model, setup.batches, recipe, device, shown, guards, validation, checkpoints, saved, among, seed,
                watchers,
            )  # fmt: skip
        if not among.writes:
            return None

        check_finite(model)
        (out / RECORD_FILE).unlink(missing_ok=True)  # a record must never lie beside other weights
        save_weights(model, out / WEIGHTS_FILE)
        config: dict[str, Any] = {
            "recipe": recipe.model_dump(mode="json"),
            "workers": setup.workers,
            "processes": among.count,
            "kernels": asdict(setup.kernels),
            "switches": switches(),
            "selected_epoch": result.selected_epoch,
            "validation": validation.settings if validation else None,
            "resumed": result.resumed,
            "initial": initial.settings | {"file": initial.weights.name, "renewed": setup.renewed} if initial else None,
            "notes": notes or [],
        }
        record = Record(
            campaign=campaign,
            network=network_ref(model, weights_sha256=sha256_file(out / WEIGHTS_FILE)),
            protocol=None,
            dataset=dataset_ref(dataset, recipe.train_split),
            seed=seed,
            config=config,
            provenance=made_with,
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


def _environment(run: Provenance, kernels: TrainingKernels) -> dict[str, Any]:
    """What rounding depends on beside the settings."""
    packages = {name: run.packages[name] for name in ROUNDING_PACKAGES if name in run.packages}
    rest = {"threads": run.threads, "processor": run.machine.cpu, "kernels": kernels.name, "compiler": kernels.compiler}
    return packages | rest
