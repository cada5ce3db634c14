"""The goals of a benchmark: what each one measures and its bound. `hyperseg verify` uses the same table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from hyperseg.records.bench import BenchChange, BenchNumbers, BenchTiming

TORCH_ALONE = ("eager", "compile")  # PyTorch's own engines: no kernel of this package, no other runtime
Values = dict[str, tuple[float, ...]]  # contender -> its value, then the ends of its interval where that decides


@dataclass(frozen=True)
class Goal:
    """One goal on one device; where contenders differ, it is of the largest value: the fastest, the worst error."""

    title: str
    device: Literal["cpu", "cuda"] | None  # None: either
    sense: Literal["at_least", "at_most"]
    unit: str
    bounds: tuple[float, ...]  # the current goals, then those of earlier records
    values: Callable[[BenchNumbers], Values]  # all contenders that count for the goal
    each: bool = False  # asked of every contender

    def reached(self, value: tuple[float, ...], bound: float) -> bool | None:
        """None if the bound lies inside the value's interval."""
        low, high = min(value), max(value)
        if self.sense == "at_least":
            return True if low >= bound else False if high < bound else None
        return True if high <= bound else False if low > bound else None


def goal_of(title: str, device: str) -> Goal | None:
    """The goal of that title on a device."""
    return next((goal for goal in GOALS if goal.title == title and goal.device in (device, None)), None)


def _beside_authors(numbers: BenchNumbers) -> list[BenchTiming]:
    """Our rows of a run whose ratios are to the authors' code."""
    rows = numbers.inference.timings if numbers.inference else []
    return rows[1:] if rows and rows[0].name == "authors" else []


def _ratios(precision: str, engines: tuple[str, ...] = ()) -> Callable[[BenchNumbers], Values]:
    """Ratios of the `engines`, or of all; an engine with a wrong answer does not count."""

    def values(numbers: BenchNumbers) -> Values:
        entered = (row for row in _beside_authors(numbers) if row.name.endswith(f"/{precision}") and _counts(row))
        return {row.name: (row.ratio,) for row in entered if not engines or row.name.partition("/")[0] in engines}

    return values


def _counts(row: BenchTiming) -> bool:
    return row.verdict is None or row.verdict.verdict != "INVALID"


def _errors(numbers: BenchNumbers) -> Values:
    """Errors of all engines, wrong ones included."""
    rows = [row for row in _beside_authors(numbers) if row.name.endswith("/float32")]
    return {row.name: (row.largest_error,) for row in rows if row.largest_error is not None}


def _step(name: str) -> Callable[[BenchNumbers], Values]:
    def values(numbers: BenchNumbers) -> Values:
        rows = numbers.training.timings if numbers.training else []
        return {row.name: (row.ratio,) for row in rows if row.name == name and _counts(row)}

    return values


def _first_loss(numbers: BenchNumbers) -> Values:
    found = numbers.training
    return {"ours": (abs(found.first_loss - found.first_loss_authors),)} if found else {}


def _agreement(numbers: BenchNumbers) -> Values:
    """Of the reduced precisions, as float32 has its bound on the logits; of the fastest alone where this run timed."""
    shares = numbers.agreement.shares if numbers.agreement else []
    reduced: Values = {row.name: (row.percent,) for row in shares if not row.name.endswith("/float32")}
    rows = [row for row in (numbers.inference.timings if numbers.inference else []) if row.name != "authors"]
    if not rows:
        return reduced
    fastest: dict[str, BenchTiming] = {}
    for row in filter(_counts, rows):
        precision = row.name.rpartition("/")[2]
        fastest[precision] = max(fastest.get(precision, row), row, key=lambda one: one.ratio)
    names = {row.name for row in fastest.values()}
    return {name: share for name, share in reduced.items() if name in names}


def _memory(numbers: BenchNumbers) -> Values:
    return {row.name: (row.ratio,) for row in numbers.memory if row.name != "authors"}


def _sampling(clock: Literal["wall", "cpu"]) -> Callable[[BenchNumbers], Values]:
    def values(numbers: BenchNumbers) -> Values:
        if numbers.sampling is None:
            return {}
        change: BenchChange = getattr(numbers.sampling, clock)
        return {numbers.sampling.name: (change.percent, change.low_percent, change.high_percent)}

    return values


GOALS = (
    Goal("CUDA float32, TF32 off", "cuda", "at_least", "x", (5.0, 4.0), _ratios("float32")),
    Goal("CUDA float16", "cuda", "at_least", "x", (12.0, 10.0), _ratios("float16")),
    Goal("CUDA float32 logits, every engine", "cuda", "at_most", "", (1e-3,), _errors),
    Goal("CPU float32, best engine", "cpu", "at_least", "x", (3.5,), _ratios("float32")),
    Goal("CPU float32, torch alone", "cpu", "at_least", "x", (2.5,), _ratios("float32", TORCH_ALONE)),
    Goal("CPU bfloat16, best engine", "cpu", "at_least", "x", (6.0,), _ratios("bfloat16")),
    Goal("CPU float32 logits, every engine", "cpu", "at_most", "", (1e-4,), _errors),
    Goal("training step", "cuda", "at_least", "x", (3.0,), _step("ours")),
    Goal("training step", "cpu", "at_least", "x", (2.0,), _step("ours")),
    Goal("training step, bfloat16", None, "at_least", "x", (3.0,), _step("ours/bfloat16")),
    Goal("first loss, difference", None, "at_most", "", (1e-4,), _first_loss),
    Goal("same classes on real images", None, "at_least", "%", (99.5,), _agreement, each=True),
    # of earlier records alone, whose parts are no longer measured here
    Goal("peak memory over the authors'", None, "at_most", "x", (1.0,), _memory, each=True),
    Goal("cost of sampling, wall clock", None, "at_most", "%", (1.0,), _sampling("wall")),
    Goal("cost of sampling, CPU time", None, "at_most", "%", (1.0,), _sampling("cpu")),
)
