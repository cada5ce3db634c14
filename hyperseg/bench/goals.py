"""The numbers of a benchmark held against the goals. Imports no torch."""

from collections.abc import Iterator, Sequence
from typing import Literal

from hyperseg.records.bench import BenchGoal, BenchNumbers, BenchTiming

AGREEMENT_PERCENT = 99.5
TORCH_ALONE = ("eager", "compile")  # PyTorch's own engines: no kernel of this package, no other runtime


def goals(numbers: BenchNumbers) -> list[BenchGoal]:
    """Every goal of which something was measured, in the order of the parts."""
    return [
        *_inference(numbers),
        *_training(numbers),
        *_agreement(numbers),
    ]


def _inference(numbers: BenchNumbers) -> Iterator[BenchGoal]:
    if numbers.inference is None or numbers.inference.timings[0].name != "authors":
        return  # the goals are ratios to the authors' code
    rows = [row for row in numbers.inference.timings if row.name != "authors"]
    if numbers.device == "cuda":
        yield from _fastest("CUDA float32, TF32 off", 5.0, rows, "float32")
        yield from _fastest("CUDA float16", 12.0, rows, "float16")
        yield from _exact("CUDA float32 logits, every engine", 1e-3, rows)
        return
    yield from _fastest("CPU float32, best engine", 3.5, rows, "float32")
    yield from _fastest("CPU float32, torch alone", 2.5, rows, "float32", TORCH_ALONE)
    yield from _fastest("CPU bfloat16, best engine", 6.0, rows, "bfloat16")
    yield from _exact("CPU float32 logits, every engine", 1e-4, rows)


def _fastest(
    title: str,
    bound: float,
    rows: Sequence[BenchTiming],
    precision: str,
    engines: Sequence[str] = (),
) -> Iterator[BenchGoal]:
    """Of the `engines`, or of all."""
    entered = [
        row
        for row in rows
        if row.name.endswith(f"/{precision}") and (not engines or row.name.partition("/")[0] in engines)
    ]
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
        rows = {row.name: row for row in found.timings}
        bound = 3.0 if numbers.device == "cuda" else 2.0
        yield _goal("training step", "at_least", bound, "x", rows["ours"].ratio, "ours")
        if half := rows.get("ours/bfloat16"):
            yield _goal("training step, bfloat16", "at_least", 3.0, "x", half.ratio, half.name)
        difference = abs(found.first_loss - found.first_loss_authors)
        yield _goal("first loss, difference", "at_most", 1e-4, "", difference, "ours")


def _agreement(numbers: BenchNumbers) -> Iterator[BenchGoal]:
    """Of the reduced precisions; float32 has its bound on the logits."""
    fastest = _fastest_names(numbers)
    for row in numbers.agreement.shares if numbers.agreement else []:
        if not row.name.endswith("/float32") and (row.name in fastest or not fastest):
            yield _goal("same classes on real images", "at_least", AGREEMENT_PERCENT, "%", row.percent, row.name)


def _fastest_names(numbers: BenchNumbers) -> set[str]:
    """The engine one would take in each precision, where this run timed them: some goals are asked of it alone."""
    if numbers.inference is None:
        return set()
    rows = [row for row in numbers.inference.timings if row.name != "authors"]
    precisions = {row.name.rpartition("/")[2] for row in rows}
    return {max((r for r in rows if r.name.endswith(p)), key=lambda r: r.ratio).name for p in precisions}


def _goal(
    title: str, sense: Literal["at_least", "at_most"], bound: float, unit: str, value: float, by: str
) -> BenchGoal:
    reached = value >= bound if sense == "at_least" else value <= bound
    return BenchGoal(title=title, sense=sense, bound=bound, unit=unit, value=value, by=by, reached=reached)
