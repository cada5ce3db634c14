"""What a training would do, and after a few steps of it what it would take."""

import statistics
import time
from dataclasses import dataclass

import torch

from hyperseg.training.captured import CapturedSteps, captures
from hyperseg.training.loop import peak_memory
from hyperseg.training.recipe import Recipe
from hyperseg.training.schedule import learning_rate
from hyperseg.training.setup import Setup
from hyperseg.training.step import make_optimizer, make_scaler, train_step

STEPS = 20
WARM_UP = 4  # not counted: they choose kernels, fill caches and, on a GPU, capture the graph


@dataclass(frozen=True)
class Estimate:
    """Measured on `steps` steps; times in seconds."""

    steps: int
    step_s: float  # median, with the wait for its batch
    loading_s: float  # median wait for a batch
    peak_memory_bytes: int


def outline(recipe: Recipe, images: int, validation_split: str | None) -> list[str]:
    """The schedule in lines of text, from the recipe alone."""
    seen = recipe.steps * recipe.batch
    epochs = f"{recipe.epochs} epochs of {recipe.steps_per_epoch} steps"
    parts = f", each in {recipe.accumulate} parts" if recipe.accumulate > 1 else ""
    marks = sorted({int(share * (recipe.steps - 1)) for share in (0, 0.25, 0.5, 0.75, 1)})
    curve = ", ".join(f"{learning_rate(recipe, step):.3g} at step {step + 1}" for step in marks)
    scores = -(-recipe.epochs // recipe.validate_every) if validation_split else 0
    return [
        f"trains on {recipe.train_split}: {images} images, each drawn {seen / images:.1f} times on average",
        f"{epochs} of {recipe.batch} images{parts}: {recipe.steps} steps, {seen} images",
        f"learning rate {curve}",
        f"scores {validation_split} {scores} times" if validation_split else "scores no split",
        f"keeps the {recipe.selection} epoch, precision {recipe.precision}",
    ]


def estimate(setup: Setup, recipe: Recipe, device: torch.device) -> Estimate:
    """Run up to 20 steps and measure them; the weights are thrown away."""
    model = setup.model
    optimizer, scaler = make_optimizer(model, recipe), make_scaler(recipe, device)
    model.train()
    captured = CapturedSteps(model, optimizer, recipe, device) if captures(recipe, device) else None
    waits, steps = [], []
    batches = iter(setup.batches)
    for _ in range(min(STEPS, recipe.steps)):
        started = time.perf_counter()
        images, labels = next(batches)
        waits.append(time.perf_counter() - started)
        if captured:
            captured(images, labels)
        else:
            train_step(model, images, labels, optimizer, recipe, device, scaler)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        steps.append(time.perf_counter() - started)
    kept = slice(WARM_UP if len(steps) > 2 * WARM_UP else 0, None)
    return Estimate(len(steps), statistics.median(steps[kept]), statistics.median(waits[kept]), peak_memory(device))


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
