"""What the benchmark prints, from the numbers its record holds. Imports no torch."""

from collections.abc import Iterator

from hyperseg.records.bench import BenchGoal, BenchNumbers, BenchTurns


def lines(numbers: BenchNumbers) -> Iterator[str]:
    """Every measured part, then the goals; one line each."""
    unit = "CPU ms" if numbers.clock == "cpu" else "ms"
    if numbers.inference:
        yield from _turns("inference", numbers.inference, unit)
    if numbers.training:
        yield from _turns("training step", numbers.training, unit)
        yield f"  first loss {numbers.training.first_loss:.6f}, the authors' {numbers.training.first_loss_authors:.6f}"
    if numbers.loading:
        yield from _turns("loading, one training sample", numbers.loading, unit)
        yield f"  largest difference from the plain pipeline {numbers.loading.largest_difference:.3f}"
    if numbers.agreement:
        yield f"classes equal to plain float32's on {numbers.agreement.images} real images"
        yield from (f"  {row.name:34} {row.percent:8.3f} %" for row in numbers.agreement.shares)
    if numbers.goals:
        yield "goals"
        yield from map(goal_line, numbers.goals)


def goal_line(goal: BenchGoal) -> str:
    """One goal: reached or missed, by which contender, with what value."""
    word = {True: "reached", False: "MISSED", None: "too noisy to tell"}[goal.reached]
    sense = "at least" if goal.sense == "at_least" else "at most"
    return f"  {goal.title}: {word}, {_value(goal.value, goal)} by {goal.by} (goal {sense} {_value(goal.bound, goal)})"


def _value(value: float, goal: BenchGoal) -> str:
    text = f"{value:.1e}" if abs(value) < 1e-2 else f"{value:.3g}" if abs(value) < 10 else f"{value:.4g}"
    return text + (f" {goal.unit}" if goal.unit == "%" else goal.unit)


def _turns(title: str, turns: BenchTurns, unit: str) -> Iterator[str]:
    yield (
        f"{title}, {turns.batch} x {turns.input_height} x {turns.input_width}, medians of "
        f"{len(turns.timings[0].rounds_ms)} rounds, others' load {turns.others_load_percent:.0f} %"
    )
    width = max(34, *(len(row.name) for row in turns.timings))
    for row in turns.timings:
        interval = f" [{row.ratio_interval.low:.2f}, {row.ratio_interval.high:.2f}]" if row.ratio_interval else ""
        error = "" if row.largest_error is None else f"   largest error {row.largest_error:.1e}"
        same = "" if row.equal_classes_percent is None else f"   same class {row.equal_classes_percent:.3f} %"
        pages = "" if row.page_faults is None else f"   {row.page_faults} new pages"
        notes = pages + error + same
        verdict = f"   {row.verdict.verdict}" if row.verdict else ""
        yield f"  {row.name:{width}} {row.median_ms:9.1f} {unit}  {row.ratio:6.2f}x{interval}{verdict}{notes}"
    reasons = [reason for row in turns.timings if row.verdict for reason in row.verdict.reasons]
    yield from (f"  {reason}" for reason in dict.fromkeys(reasons))
