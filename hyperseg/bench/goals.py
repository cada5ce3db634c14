"""The numbers of a benchmark held against the goals. Imports no torch."""

from collections.abc import Iterator

from hyperseg.records.bench import BenchGoal, BenchNumbers
from hyperseg.records.goals import GOALS, Goal


def goals(numbers: BenchNumbers) -> list[BenchGoal]:
    """Every goal for which something was measured, in the order of the parts."""
    return [made for goal in GOALS if goal.device in (numbers.device, None) for made in _held(goal, numbers)]


def _held(goal: Goal, numbers: BenchNumbers) -> Iterator[BenchGoal]:
    values = goal.values(numbers)
    for name in values if goal.each else sorted(values, key=lambda one: values[one], reverse=True)[:1]:
        yield BenchGoal(
            title=goal.title,
            sense=goal.sense,
            bound=goal.bounds[0],
            unit=goal.unit,
            value=values[name][0],
            by=name,
            reached=goal.reached(values[name], goal.bounds[0]),
        )
