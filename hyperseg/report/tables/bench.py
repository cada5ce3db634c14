"""What `hyperseg bench` found: contenders beside the authors' code, and the goals."""

from collections.abc import Iterator

from hyperseg.records import BenchNumbers
from hyperseg.records.bench import BenchGoal, BenchTiming
from hyperseg.records.statistics import median_interval
from hyperseg.report.collection import Collection, Entry, bench_key
from hyperseg.report.inputs import Inputs
from hyperseg.report.names import device_title
from hyperseg.report.part import Part
from hyperseg.report.tables.identity import IDENTITY, identity_cells
from hyperseg.report.tables.model import Cell, Column, Mark, Table
from hyperseg.report.tables.runtime import MIB, milliseconds

SETTING = (
    *IDENTITY,
    Column("machine", "", shown=False),
    Column("device_name", "Device", fold=True),
    Column("threads", "Threads", numeric=True, fold=True),
    Column("clock", "Clock", fold=True),
    Column("authors_commit", "Authors' commit", fold=True),
)
_CONTENDERS = (
    *SETTING,
    Column("contender", "Contender"),
    Column("median_ms", "Median [ms]", numeric=True),
    Column("ratio", "Speed-up vs authors'", numeric=True),
    Column("ratio_low", "", shown=False),
    Column("ratio_high", "", shown=False),
    Column("page_faults", "New pages a run", numeric=True),
    Column("largest_error", "Largest error of a logit", numeric=True),
    Column("peak_memory_mib", "Peak memory [MiB]", numeric=True),
    Column("memory_ratio", "Memory vs authors'", numeric=True),
    Column("agreement_percent", "Same class [%]", numeric=True),
    Column("others_load_percent", "Others' load [%]", numeric=True, fold=True),
)
_GOALS = (
    *SETTING,
    Column("goal", "Goal"),
    Column("bound", "Bound"),
    Column("value", "Measured", numeric=True),
    Column("by", "By"),
    Column("reached", "Reached"),
)


def bench_tables(collection: Collection) -> list[Table]:
    """Contenders at the native input and batch 1, then the goals; empty without a benchmark."""
    entries = sorted(collection.bench, key=lambda entry: (bench_key(entry), entry.name))
    tables = [
        Table(
            id="bench_contenders",
            title="Beside the authors' code",
            caption="The forward pass to logits, native input, batch 1; all contenders of a network took turns in one "
            "run, the authors' code in eager float32. Speed-ups have 95 % intervals over the rounds. "
            "Errors and classes are against our own eager float32.",
            columns=_CONTENDERS,
            rows=tuple(row for entry in entries for row in _contenders(entry)),
        ),
        Table(
            id="bench_goals",
            title="Speed goals",
            caption="This project's goals for its engines, and what a benchmark run measured.",
            columns=_GOALS,
            rows=tuple(row for entry in entries for row in _goals(entry)),
        ),
    ]
    return [table for table in tables if table.rows]


def bound(goal: BenchGoal) -> str:
    return f"{'≥' if goal.sense == 'at_least' else '≤'} {goal.bound:g} {goal.unit}".rstrip()


def setting(entry: Entry[BenchNumbers]) -> dict[str, Cell]:
    numbers, provenance = entry.numbers, entry.record.provenance
    commit = numbers.authors_commit
    return identity_cells(entry.record) | {
        "machine": Cell(provenance.machine.fingerprint),
        "device_name": Cell(numbers.device_name, device_title(numbers.device_name)),
        "threads": Cell(provenance.threads),
        "clock": Cell(numbers.clock),
        "authors_commit": Cell(
            commit, (commit[:7] if commit else "") + (" (changed)" if numbers.authors_dirty else "")
        ),
    }


def _contenders(entry: Entry[BenchNumbers]) -> Iterator[dict[str, Cell]]:
    numbers, here = entry.numbers, (entry.anchor,)
    timings = {row.name: row for row in numbers.inference.timings} if numbers.inference else {}
    memory = {row.name: row for row in numbers.memory}
    agreement = {row.name: row.percent for row in numbers.agreement.shares} if numbers.agreement else {}
    for name in dict.fromkeys([*timings, *memory, *agreement]):
        row = setting(entry) | {"contender": Cell(name)}
        if (timing := timings.get(name)) and numbers.inference:
            error = timing.largest_error
            row |= {
                "median_ms": Cell(timing.median_ms, milliseconds(timing.median_ms), here),
                **_ratio(timing, numbers.inference.timings[0], here),
                "page_faults": Cell(timing.page_faults),
                "largest_error": Cell(error, "" if error is None else f"{error:.1e}", here),
                "others_load_percent": Cell(numbers.inference.others_load_percent),
            }
        if peak := memory.get(name):
            row |= {
                "peak_memory_mib": Cell(peak.peak_bytes / MIB, f"{peak.peak_bytes / MIB:.0f}", here),
                "memory_ratio": Cell(peak.ratio, f"{peak.ratio:.2f}×", here),
            }
        if name in agreement:
            row["agreement_percent"] = Cell(agreement[name], f"{agreement[name]:.3f}", here)
        yield row


def _ratio(timing: BenchTiming, baseline: BenchTiming, here: tuple[str, ...]) -> dict[str, Cell]:
    """The ratio with its 95 % interval over the rounds, made from them where an earlier record does not state it."""
    text, found = f"{timing.ratio:.2f}×", None
    if timing is not baseline:
        ratios = [base / own for base, own in zip(baseline.rounds_ms, timing.rounds_ms, strict=True)]
        found = timing.ratio_interval or median_interval(ratios)
    if found:
        text += f" [{found.low:.2f}, {found.high:.2f}]"
    low, high = (found.low, found.high) if found else (None, None)
    return {"ratio": Cell(timing.ratio, text, here), "ratio_low": Cell(low), "ratio_high": Cell(high)}


def _goals(entry: Entry[BenchNumbers]) -> Iterator[dict[str, Cell]]:
    for goal in entry.numbers.goals:
        word = {True: "reached", False: "missed", None: "too noisy to tell"}[goal.reached]
        marks: dict[bool | None, Mark] = {True: "valid", False: "invalid", None: "degraded"}
        yield setting(entry) | {
            "goal": Cell(goal.title),
            "bound": Cell(goal.bound, bound(goal)),
            "value": Cell(goal.value, f"{goal.value:.3g} {goal.unit}".rstrip(), (entry.anchor,)),
            "by": Cell(goal.by),
            "reached": Cell(goal.reached, word, mark=marks[goal.reached]),
        }


def _build(inputs: Inputs) -> list[Table]:
    return bench_tables(inputs.collection)


PART = Part("bench", "Benchmark", "speed", _build, order=30)
