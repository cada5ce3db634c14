"""What `hyperseg bench` found, side by side: a column per network."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from hyperseg.records.bench import BenchGoal
from hyperseg.report.collection import Bench, Collection, bench_key
from hyperseg.report.inputs import Inputs
from hyperseg.report.names import hw, network_title, slug
from hyperseg.report.part import Part
from hyperseg.report.tables.bench import SETTING, bound, setting
from hyperseg.report.tables.identity import IDENTITY
from hyperseg.report.tables.model import Cell, Column, Table

COMMON = (*(column for column in IDENTITY if column.fold and column.key != "backbone"), *SETTING[len(IDENTITY) :])


def speed_table(collection: Collection) -> Table:
    """A row per goal and precision: of several engines under one goal, the one farthest from it."""
    entries = [entry for entry in ordered_runs(collection) if entry.numbers.goals]
    asked = {(goal.title, _precision(goal)): goal for entry in entries for goal in entry.numbers.goals}
    titles = [title for title, _ in asked]
    rows = []
    for (title, precision), goal in asked.items():
        name = f"{title}, {precision}" if titles.count(title) > 1 else title
        row = common_cells(entries) | {"goal": Cell(name), "bound": Cell(goal.bound, bound(goal))}
        for entry in entries:
            found = [one for one in entry.numbers.goals if (one.title, _precision(one)) == (title, precision)]
            if found:
                farthest = min(found, key=lambda one: one.value if one.sense == "at_least" else -one.value)
                row[entry.record.network.id] = _measured(farthest, entry)
        rows.append(row)
    return Table(
        id="bench_speed",
        title="Beside the authors' code",
        caption="What a benchmark run measured, ratios to the authors' code in the same run; a number that misses its "
        "goal says so.",
        columns=(*COMMON, Column("goal", "Goal"), Column("bound", "Bound"), *network_columns(entries)),
        rows=tuple(rows),
    )


def ordered_runs(collection: Collection) -> list[Bench]:
    return sorted(collection.bench, key=lambda entry: (bench_key(entry), entry.name))


def network_columns(entries: Sequence[Bench], inputs: bool = False) -> list[Column]:
    titles = {}
    for entry in entries:
        titles[entry.record.network.id] = title = network_title(entry.record.network.id)
        if inputs and (turns := entry.numbers.peers):
            titles[entry.record.network.id] = f"{title}, {hw(turns.input_height, turns.input_width)}"
    return [Column(network, title, numeric=True) for network, title in titles.items()]


def common_cells(entries: Sequence[Bench]) -> dict[str, Cell]:
    """What the runs have in common; what differs between them stands in their own tables."""
    cells = [setting(entry) for entry in entries]
    return (
        {}
        if not cells
        else {key: cell for key, cell in cells[0].items() if all(other[key].value == cell.value for other in cells)}
    )


def _precision(goal: BenchGoal) -> str:
    return goal.by.rpartition("/")[2] if "/" in goal.by else ""


def _measured(goal: BenchGoal, entry: Bench) -> Cell:
    word = {True: "", False: ", missed", None: ", too noisy to tell"}[goal.reached]
    return Cell(goal.value, f"{goal.value:.3g} {goal.unit}".rstrip() + word, (entry.anchor,))


def each_campaign(make: Callable[[Collection], Table], inputs: Inputs) -> list[Table]:
    """A table for the benchmarks of each campaign, if it has rows; of several, each is named by its campaign.

    A table with a column per network holds one number of each, hence one campaign.
    """
    collection, tables = inputs.collection, {}
    for campaign in sorted({entry.record.campaign for entry in collection.bench}):
        own = tuple(entry for entry in collection.bench if entry.record.campaign == campaign)
        table = make(replace(collection, bench=own))
        if table.rows:
            tables[campaign] = table
    if len(tables) < 2:
        return list(tables.values())
    return [
        replace(table, id=slug(table.id, campaign), title=f"{table.title}, {campaign}")
        for campaign, table in tables.items()
    ]


PART = Part("speed", "Beside the authors' code", "speed", partial(each_campaign, speed_table), order=25, on_page=False)
