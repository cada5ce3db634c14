"""What a record states twice, in its settings and in its numbers: both must say the same.

Tables and the comparison with the paper read either, so a setting that was changed by hand would pass as a number.
What an earlier record does not state is not looked for.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from hyperseg.records.bench import BenchNumbers
from hyperseg.records.latency import LatencyNumbers
from hyperseg.records.schema import EvaluationNumbers, Record, TrainingNumbers

_RELATIVE = 1e-6
_JOB = ("engine", "precision", "tf32", "device", "batch_norm")


def disagreements(record: Record) -> Iterator[str]:
    """One clause for each thing that the record states in two ways."""
    numbers, machine = record.numbers, record.provenance.machine
    if isinstance(numbers, LatencyNumbers | BenchNumbers):
        there = machine.gpus if numbers.device == "cuda" else [machine.cpu]
        if there and numbers.device_name not in there:
            yield f"device_name is {numbers.device_name}, but {' and '.join(there)} by the machine"
    match numbers:
        case EvaluationNumbers():
            size = [numbers.input_height, numbers.input_width]
            yield from _differs("the input", size, record.config.get("input_hw"), "config.input_hw")
        case LatencyNumbers():
            yield from _latency(record, numbers)
        case TrainingNumbers():
            yield from _training(record.config, numbers)
        case _:
            for part in (numbers.inference, numbers.training, numbers.loading, numbers.peers):
                for timing in part.timings if part else ():
                    name = f"the number of rounds of {timing.name}"
                    yield from _differs(name, len(timing.rounds_ms), record.config.get("rounds"), "config.rounds")
            if step := numbers.training:
                yield from _differs("training.batch", step.batch, record.config.get("train_batch"), "config")


def _latency(record: Record, numbers: LatencyNumbers) -> Iterator[str]:
    protocol, job = _part(record.config, "protocol"), _part(record.config, "job")
    if record.protocol:
        yield from _differs("protocol.id", record.protocol.id, protocol.get("id"), "config.protocol")
        yield from _differs("protocol.version", record.protocol.version, protocol.get("version"), "config.protocol")
    yield from _differs("smoke", numbers.smoke, protocol.get("smoke"), "config.protocol")
    for name in _JOB:
        yield from _differs(name, getattr(numbers, name), job.get(name), "config.job")
    yield from _differs("clock_stages", numbers.clock_stages, job.get("stages"), "config.job")
    clock = _part(protocol, "clock")
    inside = [stage for stage, where in clock.items() if where == "in"] if clock else None
    yield from _differs("clock_stages", numbers.clock_stages, inside, "config.protocol")


def _training(config: Mapping[str, Any], numbers: TrainingNumbers) -> Iterator[str]:
    recipe, epochs = _part(config, "recipe"), numbers.epochs
    yield from _differs("precision", numbers.precision, recipe.get("precision"), "the recipe")
    yield from _differs("selection", numbers.selection, recipe.get("selection"), "the recipe")
    if not epochs:
        return
    yield from _differs("the last epoch", epochs[-1].epoch, recipe.get("epochs"), "the recipe")
    scored = [point for point in epochs if point.miou_percent is not None]
    best = max(scored, key=lambda point: point.miou_percent or 0.0) if scored else None
    kept = epochs[-1] if numbers.selection == "last" else best
    if kept and "selected_epoch" in config:
        yield from _differs("selected_epoch", config["selected_epoch"], kept.epoch, "the epochs")
    if not all(isinstance(recipe.get(key), int) for key in ("epochs", "images_per_epoch", "batch")):
        return
    steps = recipe["images_per_epoch"] // recipe["batch"]
    for point in epochs:
        yield from _differs(f"the step of epoch {point.epoch}", point.step, point.epoch * steps, "the recipe")
        rate = _learning_rate(recipe, point.epoch, steps)
        if rate is not None and not math.isclose(point.learning_rate, rate, rel_tol=_RELATIVE, abs_tol=1e-15):
            yield f"learning_rate of epoch {point.epoch} is {point.learning_rate:.9g}, but {rate:.9g} by the recipe"


def _learning_rate(recipe: Mapping[str, Any], epoch: int, steps: int) -> float | None:
    """Of an epoch's last step, under the polynomial decay that every recipe has."""
    base, power = recipe.get("learning_rate"), recipe.get("decay_power")
    if base is None or power is None:
        return None
    by_epoch = recipe.get("decay_unit") == "epoch"
    done = (epoch - 1) / recipe["epochs"] if by_epoch else (epoch * steps - 1) / (recipe["epochs"] * steps)
    return float(base * max(0.0, 1.0 - done) ** power)


def _part(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = config.get(name)
    return found if isinstance(found, dict) else {}


def _differs(name: str, stated: object, other: object, source: str) -> Iterator[str]:
    if other is not None and stated != other:
        yield f"{name} is {stated}, but {other} by {source}"
