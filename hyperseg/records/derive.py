"""Every number of a record that follows from others in it, derived again.

A record states its numbers beside what they were computed from: a confusion matrix, the rounds of a benchmark, the
medians of the processes. Here the numbers are computed from those once more and compared, so that a number that was
changed by hand is refused by its name.
"""

import math
import statistics
from collections.abc import Iterator, Sequence

import numpy as np

from hyperseg.records.bench import BenchNumbers, BenchTurns
from hyperseg.records.schema import EvaluationNumbers, Interval, LatencyNumbers, Record, TrainingNumbers, Verdict
from hyperseg.records.scores import class_iou, majority_matrix, mean_iou, pixel_accuracy
from hyperseg.records.statistics import P90_SAMPLES, P99_SAMPLES, log_slope, process_interval

# The same formula on the same float64 numbers: what remains is the order of a sum.
RELATIVE = 1e-9
# Intervals were once made with points of Student's t to three decimals: 12.706 for 12.7062.
T_DECIMALS = 3e-4


def contradictions(record: Record) -> Iterator[str]:
    """One clause per number that is not what it follows from: "miou_percent is 78.5, but ... gives 51.45"."""
    match record.numbers:
        case EvaluationNumbers() as numbers:
            yield from _evaluation(numbers)
            if record.dataset is None or record.dataset.images == 0:
                yield "an evaluation is of a dataset, but 'dataset' names no images"
        case LatencyNumbers() as numbers:
            yield from _latency(numbers, _statistic(record))
        case TrainingNumbers() as numbers:
            yield from _training(numbers)
        case BenchNumbers() as numbers:
            yield from _bench(numbers)


def differs(
    name: str, stated: float | None, derived: float | None, source: str, rel: float = RELATIVE
) -> Iterator[str]:
    """A clause where `stated` is not `derived`, apart from float rounding."""
    if stated is None and derived is None:
        return
    if stated is None or derived is None or not math.isclose(stated, derived, rel_tol=rel, abs_tol=RELATIVE):
        yield f"{name} is {_shown(stated)}, but {source} gives {_shown(derived)}"


def interval_differs(name: str, stated: Interval | None, derived: Interval | None, source: str) -> Iterator[str]:
    """A clause where an interval is there and the other is not, or where an end differs."""
    if stated is None or derived is None:
        if stated is not derived:
            yield f"{name} is {'there' if stated else 'missing'}, but {source} gives {'one' if derived else 'none'}"
        return
    allowed = T_DECIMALS * (derived.high - derived.low) / 2
    for end in ("low", "high"):
        ours, theirs = getattr(stated, end), getattr(derived, end)
        if abs(ours - theirs) > allowed + RELATIVE * abs(theirs):
            yield f"{name}.{end} is {_shown(ours)}, but {source} gives {_shown(theirs)}"


def _shown(value: float | None) -> str:
    return "missing" if value is None else f"{value:.6g}"


def _evaluation(numbers: EvaluationNumbers) -> Iterator[str]:
    count, rows = len(numbers.classes), numbers.confusion_matrix
    if len(rows) != count or any(len(row) != count for row in rows):
        yield f"confusion_matrix is not {count} x {count}, though there are {count} classes"
        return
    matrix = np.array(rows, np.int64)
    if not matrix.any():
        yield "confusion_matrix counts no pixel"
        return
    source, absent = "the confusion matrix", numbers.absent_classes
    yield from differs("miou_percent", numbers.miou_percent, 100 * float(mean_iou(matrix, absent)), source)
    majority = 100 * float(mean_iou(majority_matrix(matrix), absent))
    yield from differs("majority_miou_percent", numbers.majority_miou_percent, majority, source)
    accuracy = 100 * pixel_accuracy(matrix)
    yield from differs("pixel_accuracy_percent", numbers.pixel_accuracy_percent, accuracy, source)
    for entry, iou, pixels in zip(numbers.classes, class_iou(matrix), matrix.sum(1), strict=True):
        derived = None if np.isnan(iou) else 100 * float(iou)
        yield from differs(f"iou_percent of class '{entry.name}'", entry.iou_percent, derived, source)
        yield from differs(f"pixels of class '{entry.name}'", entry.pixels, int(pixels), source)


def _statistic(record: Record) -> str | None:
    protocol = record.config.get("protocol")
    return protocol.get("statistic") if isinstance(protocol, dict) else None


def _latency(numbers: LatencyNumbers, statistic: str | None) -> Iterator[str]:
    yield from _verdict("verdict", numbers.verdict)
    by_median, by_mean = 1e3 * numbers.batch / numbers.median_ms, 1e3 * numbers.batch / numbers.mean_ms
    if statistic == "images_over_total_time" or (statistic is None and math.isclose(numbers.fps, by_mean)):
        yield from differs("fps", numbers.fps, by_mean, "the mean latency")
    else:
        yield from differs("fps", numbers.fps, by_median, "the median latency")
    yield from _processes(numbers)
    for name, value, needed in (("p90_ms", numbers.p90_ms, P90_SAMPLES), ("p99_ms", numbers.p99_ms, P99_SAMPLES)):
        if value is not None and numbers.samples < needed:
            yield f"{name} is {_shown(value)}, but a percentile is not given below {needed} samples"
    if numbers.p90_ms is not None and numbers.p90_ms < numbers.median_ms * (1 - RELATIVE):
        yield f"p90_ms is {_shown(numbers.p90_ms)}, below the median {_shown(numbers.median_ms)}"
    if numbers.p99_ms is not None and numbers.p90_ms is not None and numbers.p99_ms < numbers.p90_ms * (1 - RELATIVE):
        yield f"p99_ms is {_shown(numbers.p99_ms)}, below p90_ms {_shown(numbers.p90_ms)}"
    yield from _calibration(numbers)
    yield from _roofline(numbers)
    yield from _sweep(numbers)


def _verdict(name: str, verdict: Verdict) -> Iterator[str]:
    if (verdict.verdict == "VALID") == bool(verdict.reasons):
        yield f"{name} is {verdict.verdict} with {len(verdict.reasons)} reasons"


def _processes(numbers: LatencyNumbers) -> Iterator[str]:
    medians = numbers.process_medians_ms
    if not medians:
        return
    if len(medians) != numbers.processes:
        yield f"processes is {numbers.processes}, but process_medians_ms holds {len(medians)}"
    if len(medians) == 1:
        yield from differs("median_ms", numbers.median_ms, medians[0], "its only process")
    derived = process_interval(medians)
    yield from interval_differs("median_interval", numbers.median_interval, derived, "the processes' medians")


def _calibration(numbers: LatencyNumbers) -> Iterator[str]:
    found = numbers.calibration
    if found is None:
        return
    pairs = list(zip(found.before_ms, found.after_ms, strict=False))
    if not pairs or len(found.before_ms) != len(found.after_ms):
        yield "calibration.before_ms and calibration.after_ms do not hold one time per process each"
        return
    largest = max(abs(100 * (after - before) / before) for before, after in pairs)
    if abs(found.largest_change_percent - largest) > 0.00501:  # the record rounds it to two decimals
        name = "calibration.largest_change_percent"
        yield f"{name} is {_shown(found.largest_change_percent)}, but the times give {_shown(largest)}"


def _roofline(numbers: LatencyNumbers) -> Iterator[str]:
    found = numbers.roofline
    if found is None:
        return
    gflop = 2 * found.gmacs_per_batch
    intensity = gflop / found.estimated_gigabytes_moved
    reached = gflop / (numbers.median_ms / 1e3)
    roof = min(found.peak_gflop_per_s, intensity * found.peak_gigabytes_per_s)
    for name, stated, derived in (
        ("flop_per_byte", found.flop_per_byte, intensity),
        ("reached_gflop_per_s", found.reached_gflop_per_s, reached),
        ("fraction_of_peak", found.fraction_of_peak, reached / found.peak_gflop_per_s),
        ("fraction_of_roof", found.fraction_of_roof, reached / roof),
    ):
        yield from differs(f"roofline.{name}", stated, derived, "the median latency")


def _sweep(numbers: LatencyNumbers) -> Iterator[str]:
    for index, point in enumerate(numbers.points):
        yield from _verdict(f"points.{index}.verdict", point.verdict)
    if not numbers.points:
        return
    along = [point for point in numbers.points if point.axis == "input"]
    slope = log_slope([p.input_height * p.input_width for p in along], [p.median_ms for p in along])
    yield from differs("pixel_exponent", numbers.pixel_exponent, slope, "the sweep's points", 1e-6)
    headline = (numbers.batch, numbers.input_height, numbers.input_width)
    same = [p.median_ms for p in numbers.points if (p.batch, p.input_height, p.input_width) == headline]
    if same and not any(math.isclose(numbers.median_ms, value, rel_tol=RELATIVE) for value in same):
        yield from differs("median_ms", numbers.median_ms, same[0], "the sweep's point of that size")


def _training(numbers: TrainingNumbers) -> Iterator[str]:
    if numbers.epochs:
        last = numbers.epochs[-1]
        yield from differs("final_loss", numbers.final_loss, last.loss, "the last epoch")
        yield from differs("steps", numbers.steps, last.step, "the last epoch")
    steps = [point.step for point in numbers.epochs]
    if steps != sorted(steps):
        yield "epochs are not in the order of their steps"


def _bench(numbers: BenchNumbers) -> Iterator[str]:
    for part in ("inference", "training", "peers"):
        turns: BenchTurns | None = getattr(numbers, part)
        if turns is not None:
            yield from _turns(part, turns)
    for row in numbers.memory:
        derived = row.peak_bytes / numbers.memory[0].peak_bytes
        yield from differs(f"ratio of {row.name} in memory", row.ratio, derived, "the peaks")
    for sweep in numbers.scaling:
        for point in sweep.points:
            name = f"median_ms of {sweep.name} at {point.batch} x {point.input_height} x {point.input_width}"
            yield from differs(name, point.median_ms, _median(point.rounds_ms), "the median of its rounds")
        along = [point for point in sweep.points if point.axis == "input"]
        slope = log_slope([p.input_height * p.input_width for p in along], [p.median_ms for p in along])
        yield from differs(f"pixel_exponent of {sweep.name}", sweep.pixel_exponent, slope, "its points", 1e-6)
    yield from _goals(numbers)


def _turns(part: str, turns: BenchTurns) -> Iterator[str]:
    if not turns.timings:
        yield f"{part} holds no timing"
        return
    baseline = turns.timings[0].rounds_ms
    for timing in turns.timings:
        rounds = timing.rounds_ms
        if not rounds or min(rounds) <= 0 or len(rounds) != len(baseline):
            yield f"rounds_ms of {timing.name} in {part} does not hold one positive time per round"
            continue
        yield from differs(f"median_ms of {timing.name} in {part}", timing.median_ms, _median(rounds), "its rounds")
        ratio = statistics.median(base / own for base, own in zip(baseline, rounds, strict=True))
        yield from differs(f"ratio of {timing.name} in {part}", timing.ratio, ratio, "the rounds")


def _goals(numbers: BenchNumbers) -> Iterator[str]:
    """A goal's value is one that another part of the record states."""
    stated = [t.ratio for turns in (numbers.inference, numbers.training) if turns for t in turns.timings]
    stated += [t.largest_error for t in (numbers.inference.timings if numbers.inference else ()) if t.largest_error]
    stated += [row.ratio for row in numbers.memory]
    stated += [sweep.pixel_exponent for sweep in numbers.scaling if sweep.pixel_exponent is not None]
    stated += [share.percent for share in (numbers.agreement.shares if numbers.agreement else ())]
    if numbers.training:
        stated.append(abs(numbers.training.first_loss - numbers.training.first_loss_authors))
    if numbers.sampling:
        stated += [numbers.sampling.wall.percent, numbers.sampling.cpu.percent]
    for goal in numbers.goals:
        if not any(math.isclose(goal.value, value, rel_tol=RELATIVE, abs_tol=1e-12) for value in (*stated, 0.0)):
            yield f"the value of goal '{goal.title}' is {_shown(goal.value)}, which no part of the record states"


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None
