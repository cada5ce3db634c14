"""The training loop: steps, epochs, and which weights are kept."""

import copy
import resource
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hyperseg.records import EpochPoint
from hyperseg.training.average import WeightAverage
from hyperseg.training.captured import CapturedSteps, captures, set_learning_rate
from hyperseg.training.checkpoint import CheckpointTimer, Saved, tensors
from hyperseg.training.faults import explain
from hyperseg.training.guards import Guards
from hyperseg.training.parallel import Processes, distribute
from hyperseg.training.progress import TrainingProgress
from hyperseg.training.recipe import Recipe
from hyperseg.training.schedule import learning_rate
from hyperseg.training.state import Best, TrainingState
from hyperseg.training.step import ALONE, make_optimizer, make_scaler, train_step
from hyperseg.training.step_times import StepTimes
from hyperseg.training.stop import StopAsked, StopSignals, TrainingInterrupted
from hyperseg.training.watch import EVERY, Watcher


@dataclass(frozen=True)
class Validation:
    """How epochs are scored: mean IoU in percent on `split`; `settings` names the protocol and the input size.

    `picture` shows a prediction beside its label, uint8 (H, W, 3), to whoever watches.
    """

    split: str
    miou_percent: Callable[[nn.Module], float]
    settings: dict[str, Any]
    picture: Callable[[nn.Module], np.ndarray] | None = None


@dataclass(frozen=True)
class Fit:
    """What a training gave; the model holds the selected weights."""

    epochs: list[EpochPoint]
    selected_epoch: int
    step_median_ms: float
    peak_memory_bytes: int
    resumed: list[dict[str, Any]]


def fit(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    recipe: Recipe,
    device: torch.device,
    shown: TrainingProgress,
    guards: Guards,
    validation: Validation | None = None,
    checkpoints: CheckpointTimer | None = None,
    saved: Saved | None = None,
    among: Processes = ALONE,
    seed: int = 0,
    watchers: Sequence[Watcher] = (),
) -> Fit:
    """Train `model` in place on `batches` (images uint8 (B, H, W, 3), labels uint8 (B, H, W)).

    `batches` are those of all steps, or of the ones after the `saved` state, with which the training goes on. `among`
    several processes, they are this process's share of each batch; masks of dropout and stochastic depth are then drawn
    from `seed`, step and process.

    Raises :class:`UserError` where it must not go on, and :class:`TrainingInterrupted` after a signal.
    """
    optimizer, scaler = make_optimizer(model, recipe), make_scaler(recipe, device)
    state = TrainingState()
    average = WeightAverage(model, recipe.ema_decay) if recipe.ema_decay else None
    if saved:
        state = saved.state
        saved.restore(model, optimizer, scaler, device)
        if average:
            average.load(saved.tensors["average"])
        shown.say(f"going on after step {state.step} of {recipe.steps}")
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    epoch_started = time.monotonic() - state.epoch_s
    times = StepTimes(device)

    def save() -> None:
        if checkpoints:
            state.losses += guards.drain()
            state.step_ms += times.drain()
            state.epoch_s = time.monotonic() - epoch_started
            kept = {"average": average.tensors} if average else {}
            checkpoints.save(state, tensors(model, optimizer, scaler, device) | kept)

    model.train()
    stepped = distribute(model, among)
    captured = CapturedSteps(model, optimizer, recipe, device, shown.say) if captures(recipe, device, among) else None
    batch_iterator = iter(batches)
    with StopSignals(together=among.count > 1) as signals:
        try:
            while True:
                if state.step == (len(state.epochs) + 1) * recipe.steps_per_epoch:
                    state.losses += guards.drain()
                    spent = time.monotonic() - epoch_started
                    with average.in_place(model) if average else nullcontext():
                        _end_epoch(model, recipe, state, shown, validation, signals, spent, among)
                        _tell(watchers, state, validation, model)
                    epoch_started = time.monotonic()
                if state.step == recipe.steps:
                    break
                if among.count > 1:
                    if among.any(signals.received is not None):
                        raise StopAsked
                    torch.manual_seed(hash((seed, state.step, among.rank)))
                images, labels = _next_batch(batch_iterator, recipe, state.step, signals, save)
                guards.check_batch(state.step, images, labels)
                rate = learning_rate(recipe, state.step)
                set_learning_rate(optimizer, rate, device)
                look = guards.looks_at(state.step)
                times.start()
                try:
                    if captured:
                        outcome = captured(images, labels, look=look)
                    else:
                        outcome = train_step(
                            stepped, images, labels, optimizer, recipe, device, scaler, look=look, among=among
                        )
                except (RuntimeError, MemoryError) as error:
                    raise explain(error, recipe, state.step) or error from error
                state.step_ms += times.stop()
                state.losses += guards.add(state.step, outcome, images, labels, rate)
                state.step += 1
                if average:
                    average.update(model, state.step)
                if state.step % EVERY == 0 and state.losses:
                    for watcher in watchers:
                        watcher.step(state.step, state.losses[-1], rate)
                shown.step(state.step, len(state.epochs), statistics.fmean(state.losses or [float("nan")]), rate)
                if checkpoints and state.step < recipe.steps and checkpoints.due(state.step):
                    save()
        except StopAsked:
            save()
            again = "the same command goes on from there" if checkpoints else "it was kept nowhere"
            text = f"stopped by {signals.name} after step {state.step} of {recipe.steps}; {again}"
            raise TrainingInterrupted(signals.received or signal.SIGTERM, text) from None
    state.step_ms += times.drain()
    selected = recipe.epochs
    if state.best:
        selected = state.best.epoch
        model.load_state_dict(state.best.weights)
    elif average:
        model.load_state_dict(average.tensors)
    model.eval()
    return Fit(state.epochs, selected, statistics.median(state.step_ms), peak_memory(device), state.resumed)


def _next_batch(
    batches: Iterator[tuple[Tensor, Tensor]],
    recipe: Recipe,
    step: int,
    signals: StopSignals,
    save: Callable[[], None],
) -> tuple[Tensor, Tensor]:
    """The next batch; where loading fails, the state is saved before the fault is reported."""
    try:
        with signals.at_once():
            return next(batches)
    except StopAsked:
        raise
    except Exception as error:
        if signals.received is not None:  # the signal went to the loading processes too
            raise StopAsked from error
        fault = explain(error, recipe, step)
        if fault is None:
            raise
        if step:
            save()
        raise fault from error


def _end_epoch(
    model: nn.Module,
    recipe: Recipe,
    state: TrainingState,
    shown: TrainingProgress,
    validation: Validation | None,
    signals: StopSignals,
    duration_s: float,
    among: Processes,
) -> None:
    """Score the epoch where that is due, and note it."""
    epoch = len(state.epochs) + 1
    miou = None
    if validation and (epoch == recipe.epochs or epoch % recipe.validate_every == 0):
        with signals.at_once():
            miou = among.from_writer(lambda: validation.miou_percent(model))
        shown.say(f"epoch {epoch}: mIoU {miou:.2f} % on {validation.split}")
        if recipe.selection == "best" and (state.best is None or miou > state.best.miou_percent):
            state.best = Best(miou, epoch, copy.deepcopy(model.state_dict()))
        model.train()
    state.epochs.append(
        EpochPoint(
            epoch=epoch, step=state.step, loss=statistics.fmean(state.losses),
            learning_rate=learning_rate(recipe, state.step - 1), duration_s=duration_s, miou_percent=miou,
        )
    )  # fmt: skip
    state.losses, state.epoch_s = [], 0.0


def _tell(watchers: Sequence[Watcher], state: TrainingState, validation: Validation | None, model: nn.Module) -> None:
    """The epoch that has ended, to whoever watches."""
    point = state.epochs[-1]
    for watcher in watchers:
        watcher.epoch(point)
        if validation and validation.picture and point.miou_percent is not None:
            watcher.picture(point.step, validation.picture(model))


def peak_memory(device: torch.device) -> int:
    """Bytes: the largest resident set of the process, or the largest allocation on a GPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
