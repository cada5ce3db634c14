"""The numbers of a benchmark held against the goals. Imports no torch."""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from hyperseg.latency.engines import engine_table
from hyperseg.latency.sampling_overhead import BOUND_PERCENT
from hyperseg.records.bench import BenchGoal, BenchNumbers, BenchTiming

LINEAR = 1.05  # largest slope of log time over log pixels that is still called linear
AGREEMENT_PERCENT = 99.5


def goals(numbers: BenchNumbers) -> list[BenchGoal]:
    """Every goal of which something was measured, in the order of the parts."""
    return [
        *_inference(numbers),
        *_training(numbers),
        *_agreement(numbers),
        *_memory(numbers),
        *_scaling(numbers),
        *_sampling(numbers),
    ]


def _inference(numbers: BenchNumbers) -> Iterator[BenchGoal]:
    if numbers.inference is None:
        return
    rows = [row for row in numbers.inference.timings if row.name != "authors"]
    if numbers.device == "cuda":
        yield from _fastest("CUDA float32, TF32 off", 4.0, rows, "float32")
        yield from _fastest("CUDA float16", 10.0, rows, "float16")
        yield from _exact("CUDA float32 logits, every engine", 1e-3, rows)
        return
    yield from _fastest("CPU float32, best engine", 3.5, rows, "float32")
    yield from _fastest("CPU float32, torch alone", 2.5, rows, "float32", _torch_alone)
    yield from _fastest("CPU bfloat16, best engine", 6.0, rows, "bfloat16")
    yield from _exact("CPU float32 logits, every engine", 1e-4, rows)


def _torch_alone(engine: str) -> bool:
    return engine in engine_table() and not engine_table()[engine].requires


def _fastest(
    title: str,
    bound: float,
    rows: Sequence[BenchTiming],
    precision: str,
    wanted: Callable[[str], bool] = lambda engine: True,
) -> Iterator[BenchGoal]:
    entered = [r for r in rows if r.name.endswith(f"/{precision}") and wanted(r.name.partition("/")[0])]
    if entered:
        best = max(entered, key=lambda row: row.ratio)
        yield _goal(title, "at_least", bound, "x", best.ratio, best.name)


def _exact(title: str, bound: float, rows: Sequence[BenchTiming]) -> Iterator[BenchGoal]:
    compared = [(r.largest_error, r.name) for r in rows if r.name.endswith("/float32") and r.largest_error is not None]
    if compared:
        yield _goal(title, "at_most", bound, "", *max(compared))


def _training(numbers: BenchNumbers) -> Iterator[BenchGoal]:
    found = numbers.training
    if found is not None:
        yield _goal("training step", "at_least", 2.0, "x", found.timings[-1].ratio, found.timings[-1].name)
        difference = abs(found.first_loss - found.first_loss_authors)
        yield _goal("first loss, difference", "at_most", 1e-4, "", difference, "ours")


def _agreement(numbers: BenchNumbers) -> Iterator[BenchGoal]:
    """Of the reduced precisions; float32 has its bound on the logits."""
    fastest = _fastest_names(numbers)
    for row in numbers.agreement.shares if numbers.agreement else []:
        if not row.name.endswith("/float32") and (row.name in fastest or not fastest):
            yield _goal("same classes on real images", "at_least", AGREEMENT_PERCENT, "%", row.percent, row.name)


def _memory(numbers: BenchNumbers) -> Iterator[BenchGoal]:
    fastest = _fastest_names(numbers)
    for row in numbers.memory:
        if row.name != "authors" and (row.name in fastest or not fastest):
            yield _goal("peak memory over the authors'", "at_most", 1.0, "x", row.ratio, row.name)


def _fastest_names(numbers: BenchNumbers) -> set[str]:
    """The engine one would take in each precision, where this run timed them: some goals are asked of it alone."""
    if numbers.inference is None:
        return set()
    rows = [row for row in numbers.inference.timings if row.name != "authors"]
    precisions = {row.name.rpartition("/")[2] for row in rows}
    return {max((r for r in rows if r.name.endswith(p)), key=lambda r: r.ratio).name for p in precisions}


def _scaling(numbers: BenchNumbers) -> Iterator[BenchGoal]:
    for sweep in numbers.scaling:
        if sweep.pixel_exponent is not None:
            yield _goal("linear in pixels, exponent", "at_most", LINEAR, "", sweep.pixel_exponent, sweep.name)


def _sampling(numbers: BenchNumbers) -> Iterator[BenchGoal]:
    found = numbers.sampling
    if found is None:
        return
    for clock, change in (("wall clock", found.wall), ("CPU time", found.cpu)):
        reached = (
            True if change.high_percent <= BOUND_PERCENT else False if change.low_percent > BOUND_PERCENT else None
        )
        goal = _goal(f"cost of sampling, {clock}", "at_most", BOUND_PERCENT, "%", change.percent, found.name)
        yield goal.model_copy(update={"reached": reached})


def _goal(
    title: str, sense: Literal["at_least", "at_most"], bound: float, unit: str, value: float, by: str
) -> BenchGoal:
    reached = value >= bound if sense == "at_least" else value <= bound
    return BenchGoal(title=title, sense=sense, bound=bound, unit=unit, value=value, by=by, reached=reached)
