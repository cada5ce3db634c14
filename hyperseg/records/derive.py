"""Every number of a record that follows from others in it, derived again.

A record states its numbers beside what they were computed from: a confusion matrix, the rounds of a benchmark, the
medians of the processes. Here the numbers are computed from those once more and compared, so that a number that was
changed by hand is refused by its name.
"""

import math
import statistics
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from hyperseg.records import stated_verdict
from hyperseg.records.bench import BenchNumbers, BenchTurns
from hyperseg.records.check import RELATIVE, Check, fault, interval, number
from hyperseg.records.goals import GOALS, goal_of
from hyperseg.records.measurement import Calibration, Verdict
from hyperseg.records.schema import EvaluationNumbers, LatencyNumbers, Record, TrainingNumbers
from hyperseg.records.scores import class_iou, majority_matrix, mean_iou, pixel_accuracy
from hyperseg.records.stated_settings import disagreements
from hyperseg.records.statistics import (
    P90_SAMPLES,
    P99_SAMPLES,
    change_percent,
    log_slope,
    median_interval,
    process_interval,
)


def checks(record: Record) -> Iterator[Check]:
    """Every number of the record that follows from others in it."""
    match record.numbers:
        case EvaluationNumbers() as numbers:
            yield from _evaluation(numbers)
            yield from _classes(numbers, record.network.num_classes)
            if record.dataset is None or record.dataset.images == 0:
                yield fault("dataset", "an evaluation is of a dataset, but 'dataset' names no images")
        case LatencyNumbers() as numbers:
            yield from _latency(numbers, _statistic(record))
        case TrainingNumbers() as numbers:
            yield from _training(numbers, record.config.get("recipe"))
        case BenchNumbers() as numbers:
            yield from _bench(numbers)
    yield from (fault("config", problem) for problem in disagreements(record))


def _evaluation(numbers: EvaluationNumbers) -> Iterator[Check]:
    count, rows = len(numbers.classes), numbers.confusion_matrix
    if len(rows) != count or any(len(row) != count for row in rows):
        yield fault("confusion_matrix", f"confusion_matrix is not {count} x {count}, though there are {count} classes")
        return
    matrix = np.array(rows, np.int64)
    if not matrix.any():
        yield fault("confusion_matrix", "confusion_matrix counts no pixel")
        return
    source, absent = "the confusion matrix", numbers.absent_classes
    yield number("miou_percent", numbers.miou_percent, 100 * float(mean_iou(matrix, absent)), source)
    majority = 100 * float(mean_iou(majority_matrix(matrix), absent))
    yield number("majority_miou_percent", numbers.majority_miou_percent, majority, source)
    accuracy = 100 * pixel_accuracy(matrix)
    yield number("pixel_accuracy_percent", numbers.pixel_accuracy_percent, accuracy, source)
    for entry, iou, pixels in zip(numbers.classes, class_iou(matrix), matrix.sum(1), strict=True):
        derived = None if np.isnan(iou) else 100 * float(iou)
        yield number(f"iou_percent of class '{entry.name}'", entry.iou_percent, derived, source)
        yield number(f"pixels of class '{entry.name}'", entry.pixels, int(pixels), source)


def _classes(numbers: EvaluationNumbers, outputs: int) -> Iterator[Check]:
    """Of void, the network may have an output where it is not scored, and none where it is."""
    names = [entry.name for entry in numbers.classes]
    if len(set(names)) < len(names):
        yield fault("classes", f"class '{next(name for name in names if names.count(name) > 1)}' stands twice")
    if not len(names) - (names[-1] == "Void") <= outputs <= len(names) + 1:
        yield fault("network.num_classes", f"network.num_classes is {outputs}, but there are {len(names)} classes")


def _statistic(record: Record) -> str | None:
    protocol = record.config.get("protocol")
    return protocol.get("statistic") if isinstance(protocol, dict) else None


def _latency(numbers: LatencyNumbers, statistic: str | None) -> Iterator[Check]:
    by_median, by_mean = 1e3 * numbers.batch / numbers.median_ms, 1e3 * numbers.batch / numbers.mean_ms
    if statistic == "images_over_total_time" or (statistic is None and math.isclose(numbers.fps, by_mean)):
        yield number("fps", numbers.fps, by_mean, "the mean latency")
    else:
        yield number("fps", numbers.fps, by_median, "the median latency")
    yield from _processes(numbers)
    for name, value, needed in (("p90_ms", numbers.p90_ms, P90_SAMPLES), ("p99_ms", numbers.p99_ms, P99_SAMPLES)):
        if value is not None and numbers.samples < needed:
            yield fault(name, f"{name} is {value:.6g}, but a percentile is not given below {needed} samples")
    if numbers.p90_ms is not None and numbers.p90_ms < numbers.median_ms * (1 - RELATIVE):
        yield fault("p90_ms", f"p90_ms is {numbers.p90_ms:.6g}, below the median {numbers.median_ms:.6g}")
    if numbers.p99_ms is not None and numbers.p90_ms is not None and numbers.p99_ms < numbers.p90_ms * (1 - RELATIVE):
        yield fault("p99_ms", f"p99_ms is {numbers.p99_ms:.6g}, below p90_ms {numbers.p90_ms:.6g}")
    yield from _calibration("calibration", numbers.calibration)
    yield from _roofline(numbers)
    yield from _sweep(numbers)
    yield from _verdict("verdict", numbers.verdict)
    yield from (fault("verdict", problem) for problem in stated_verdict.of_latency(numbers))


def _verdict(name: str, verdict: Verdict) -> Iterator[Check]:
    if (verdict.verdict == "VALID") == bool(verdict.reasons):
        yield fault(name, f"{name} is {verdict.verdict} with {len(verdict.reasons)} reasons")


def _processes(numbers: LatencyNumbers) -> Iterator[Check]:
    medians = numbers.process_medians_ms
    if not medians:
        return
    yield number("processes", numbers.processes, len(medians), "the list of their medians")
    if len(medians) == 1:
        yield number("median_ms", numbers.median_ms, medians[0], "its only process")
    derived = process_interval(medians)
    yield from interval("median_interval", numbers.median_interval, derived, "the processes' medians")


def _calibration(name: str, found: Calibration | None) -> Iterator[Check]:
    if found is None:
        return
    pairs = list(zip(found.before_ms, found.after_ms, strict=False))
    if not pairs or len(found.before_ms) != len(found.after_ms):
        yield fault(name, f"{name}.before_ms and {name}.after_ms do not hold one time per process each")
        return
    largest = max(abs(change_percent(before, after)) for before, after in pairs)
    rounding = 0.00501  # the record rounds it to two decimals
    key = f"{name}.largest_change_percent"
    yield Check(key, found.largest_change_percent, largest, "the times before and after", rounding)


def _roofline(numbers: LatencyNumbers) -> Iterator[Check]:
    found = numbers.roofline
    if found is None:
        return
    gflop = 2 * found.gmacs_per_batch
    moved = found.estimated_gigabytes_moved
    intensity = gflop / moved if moved else None
    reached = gflop / (numbers.median_ms / 1e3)
    roof = min(found.peak_gflop_per_s, intensity * found.peak_gigabytes_per_s) if intensity else None
    for name, stated, derived in (
        ("flop_per_byte", found.flop_per_byte, intensity),
        ("reached_gflop_per_s", found.reached_gflop_per_s, reached),
        ("fraction_of_peak", found.fraction_of_peak, _share(reached, found.peak_gflop_per_s)),
        ("fraction_of_roof", found.fraction_of_roof, _share(reached, roof)),
    ):
        yield number(f"roofline.{name}", stated, derived, "the median latency")


def _share(reached: float, bound: float | None) -> float | None:
    """None where the bound is not known, or was passed and is none."""
    return reached / bound if bound and reached <= bound else None


def _sweep(numbers: LatencyNumbers) -> Iterator[Check]:
    for index, point in enumerate(numbers.points):
        yield from _verdict(f"points.{index}.verdict", point.verdict)
    if not numbers.points:
        return
    along = [point for point in numbers.points if point.axis == "input"]
    slope = log_slope([p.input_height * p.input_width for p in along], [p.median_ms for p in along])
    yield number("pixel_exponent", numbers.pixel_exponent, slope, "the sweep's points", 1e-6)
    headline = (numbers.batch, numbers.input_height, numbers.input_width)
    same = [p.median_ms for p in numbers.points if (p.batch, p.input_height, p.input_width) == headline]
    if same and not any(math.isclose(numbers.median_ms, value, rel_tol=RELATIVE) for value in same):
        yield number("median_ms", numbers.median_ms, same[0], "the sweep's point of that size")


def _training(numbers: TrainingNumbers, recipe: Any) -> Iterator[Check]:
    batch = recipe.get("batch") if isinstance(recipe, dict) else None
    if isinstance(batch, int):
        yield number("images_seen", numbers.images_seen, numbers.steps * batch, "the steps and the recipe's batch")
    if (numbers.selection == "best") != (numbers.selection_split is not None):
        yield fault("selection", f"selection is '{numbers.selection}', but selection_split {numbers.selection_split!r}")
    if numbers.epochs:
        last = numbers.epochs[-1]
        yield number("final_loss", numbers.final_loss, last.loss, "the last epoch")
        yield number("steps", numbers.steps, last.step, "the last epoch")
    for one, following in pairwise(numbers.epochs):
        if one.epoch >= following.epoch or one.step >= following.step:
            yield fault("epochs", f"epoch {following.epoch} at step {following.step} stands after epoch {one.epoch}")


def _bench(numbers: BenchNumbers) -> Iterator[Check]:
    for part in ("inference", "training", "loading", "peers"):
        turns: BenchTurns | None = getattr(numbers, part)
        if turns is not None:
            yield from _turns(part, turns)
    for row in numbers.memory:
        derived = row.peak_bytes / numbers.memory[0].peak_bytes
        yield number(f"ratio of {row.name} in memory", row.ratio, derived, "the peaks")
    yield from _goals(numbers)


def _turns(part: str, turns: BenchTurns) -> Iterator[Check]:
    if not turns.timings:
        yield fault(part, f"{part} holds no timing")
        return
    baseline = turns.timings[0].rounds_ms
    for timing in turns.timings:
        rounds = timing.rounds_ms
        if not rounds or min(rounds) <= 0 or len(rounds) != len(baseline):
            name = f"rounds_ms of {timing.name} in {part}"
            yield fault(name, f"{name} does not hold one positive time per round")
            continue
        yield number(f"median_ms of {timing.name} in {part}", timing.median_ms, _median(rounds), "its rounds")
        ratios = [base / own for base, own in zip(baseline, rounds, strict=True)]
        yield number(f"ratio of {timing.name} in {part}", timing.ratio, statistics.median(ratios), "the rounds")
        if timing.verdict is not None:  # an earlier record has neither
            yield from _verdict(f"verdict of {timing.name} in {part}", timing.verdict)
            name = f"ratio_interval of {timing.name} in {part}"
            yield from interval(name, timing.ratio_interval, median_interval(ratios), "the rounds")
    yield from _calibration(f"calibration of {part}", turns.calibration)
    yield from (fault(part, problem) for problem in stated_verdict.of_turns(part, turns))


def _goals(numbers: BenchNumbers) -> Iterator[Check]:
    """A goal is one of the table's, and its value its contender's, as another part of the record states it.

    None of which something was measured is left out, a missed one least of all.
    """
    for stated in numbers.goals:
        name = f"goal '{stated.title}'"
        goal = goal_of(stated.title, numbers.device)
        if goal is None:
            yield fault(name, f"{name} is none of a benchmark on '{numbers.device}'")
            continue
        values = goal.values(numbers)
        value = values.get(stated.by)
        if value is None:
            yield fault(name, f"{name} is of '{stated.by}', of which the record states no number that counts for it")
            continue
        if not goal.each and value[0] < max(values.values())[0]:
            most = max(values, key=lambda one: values[one][0])
            yield fault(name, f"{name} is of '{stated.by}', but the largest value is of '{most}'")
            continue
        tolerance = RELATIVE * abs(value[0]) + 1e-12
        yield Check(f"the value of {name}", stated.value, value[0], f"the numbers of {stated.by}", tolerance)
        if (stated.sense, stated.unit) != (goal.sense, goal.unit) or stated.bound not in goal.bounds:
            asked = f"{goal.sense} {goal.bounds[0]:g} {goal.unit}".rstrip()
            given = f"{stated.sense} {stated.bound:g} {stated.unit}".rstrip()
            yield fault(name, f"{name} asks for {given}, but {asked} is the goal")
        elif stated.reached is not goal.reached(value, stated.bound):
            words = {True: "reached", False: "missed", None: "open"}
            derived = words[goal.reached(value, stated.bound)]
            yield fault(name, f"{name} is stated as {words[stated.reached]}, but {derived} by its value and bound")
    titles = {stated.title for stated in numbers.goals}
    for goal in GOALS:
        if goal.device in (numbers.device, None) and goal.title not in titles and goal.values(numbers):
            yield fault("goals", f"goal '{goal.title}' is not among the goals, though the record holds its number")


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None
