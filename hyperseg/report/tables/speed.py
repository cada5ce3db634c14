"""What `hyperseg bench` found, side by side: a column per network."""

from collections.abc import Sequence

from hyperseg.records import BenchNumbers
from hyperseg.records.bench import BenchGoal
from hyperseg.report.collection import Collection, Entry, bench_key
from hyperseg.report.names import hw, network_title
from hyperseg.report.tables.bench import SETTING, bound, setting
from hyperseg.report.tables.identity import IDENTITY
from hyperseg.report.tables.model import Cell, Column, Table
from hyperseg.report.tables.runtime import milliseconds

_PLACE = (*(column for column in IDENTITY if column.fold and column.key != "backbone"), *SETTING[len(IDENTITY) :])
OURS = "HyperSeg"


def speed_table(collection: Collection) -> Table:
    """A row per goal: of several engines under one goal, the one farthest from it."""
    entries = [entry for entry in _ordered(collection) if entry.numbers.goals]
    titles = {goal.title: goal for entry in entries for goal in entry.numbers.goals}
    rows = []
    for title, asked in titles.items():
        row = _place(entries) | {"goal": Cell(title), "bound": Cell(asked.bound, bound(asked))}
        for entry in entries:
            found = [goal for goal in entry.numbers.goals if goal.title == title]
            if found:
                farthest = min(found, key=lambda goal: goal.value if goal.sense == "at_least" else -goal.value)
                row[entry.record.network.id] = _measured(farthest, entry)
        rows.append(row)
    return Table(
        id="bench_speed",
        title="Beside the authors' code",
        caption="What a benchmark run measured, ratios to the authors' code in the same run; a number that misses its "
        "goal says so.",
        columns=(*_PLACE, Column("goal", "Goal"), Column("bound", "Bound"), *_networks(entries)),
        rows=tuple(rows),
    )


def peers_table(collection: Collection) -> Table:
    """A row per contender of a run with networks of other libraries, each at every network's native input."""
    entries = [entry for entry in _ordered(collection) if entry.numbers.peers]
    rows: dict[str, dict[str, Cell]] = {}
    for entry in entries:
        numbers, variant = entry.numbers.peers, entry.record.network.id
        assert numbers is not None
        for timing in numbers.timings:
            subject, _, mode = timing.name.partition(", ")
            title = {variant: OURS, "authors": f"{OURS}, the authors' code"}.get(subject, subject)
            mode = mode or "eager/float32"
            head = {"contender": Cell(title), "mode": Cell(mode)}
            row = rows.setdefault(f"{title}, {mode}", _place(entries) | head)
            row[variant] = Cell(timing.median_ms, milliseconds(timing.median_ms), (entry.anchor,))
    return Table(
        id="bench_peers",
        title="Beside other libraries' networks",
        caption="Median time of a forward pass to logits [ms], batch 1, at the native input of the network in the "
        "heading; all of a column took turns in one run. Random weights: times, and nothing about accuracy.",
        columns=(*_PLACE, Column("contender", "Network"), Column("mode", "Engine"), *_networks(entries, inputs=True)),
        rows=tuple(rows.values()),
    )


def _ordered(collection: Collection) -> list[Entry[BenchNumbers]]:
    return sorted(collection.bench, key=lambda entry: (bench_key(entry), entry.name))


def _networks(entries: Sequence[Entry[BenchNumbers]], inputs: bool = False) -> list[Column]:
    titles = {}
    for entry in entries:
        titles[entry.record.network.id] = title = network_title(entry.record.network.id)
        if inputs and (turns := entry.numbers.peers):
            titles[entry.record.network.id] = f"{title}, {hw(turns.input_height, turns.input_width)}"
    return [Column(network, title, numeric=True) for network, title in titles.items()]


def _place(entries: Sequence[Entry[BenchNumbers]]) -> dict[str, Cell]:
    """What the runs have in common; what differs between them stands in their own tables."""
    cells = [setting(entry) for entry in entries]
    return {key: cell for key, cell in cells[0].items() if all(other[key].value == cell.value for other in cells)}


def _measured(goal: BenchGoal, entry: Entry[BenchNumbers]) -> Cell:
    word = {True: "", False: ", missed", None: ", too noisy to tell"}[goal.reached]
    return Cell(goal.value, f"{goal.value:.3g} {goal.unit}".rstrip() + word, (entry.anchor,))
