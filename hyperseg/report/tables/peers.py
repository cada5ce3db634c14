"""Networks of other libraries, timed in turns with ours in one benchmark run."""

from functools import partial

from hyperseg.report.collection import Collection
from hyperseg.report.part import Part
from hyperseg.report.tables.model import Cell, Column, Table
from hyperseg.report.tables.runtime import milliseconds
from hyperseg.report.tables.speed import (
    COMMON,
    common_cells,
    each_campaign,
    network_columns,
    ordered_runs,
)

OURS = "HyperSeg"


def peers_table(collection: Collection) -> Table:
    """A row per contender of a run with networks of other libraries, each at every network's native input."""
    entries = [entry for entry in ordered_runs(collection) if entry.numbers.peers]
    rows: dict[str, dict[str, Cell]] = {}
    for entry in entries:
        numbers, variant = entry.numbers.peers, entry.record.network.id
        assert numbers is not None
        for timing in numbers.timings:
            subject, _, mode = timing.name.partition(", ")
            title = {variant: OURS, "authors": f"{OURS}, the authors' code"}.get(subject, subject)
            mode = mode or "eager/float32"
            head = {"contender": Cell(title), "mode": Cell(mode)}
            row = rows.setdefault(f"{title}, {mode}", common_cells(entries) | head)
            row[variant] = Cell(timing.median_ms, milliseconds(timing.median_ms), (entry.anchor,))
    return Table(
        id="bench_peers",
        title="Beside other libraries' networks",
        caption="Median time of a forward pass to logits [ms], batch 1, at the native input of the network in the "
        "heading; all of a column took turns in one run. Random weights: times, and nothing about accuracy.",
        columns=(
            *COMMON,
            Column("contender", "Network"),
            Column("mode", "Engine"),
            *network_columns(entries, inputs=True),
        ),
        rows=tuple(rows.values()),
    )


PART = Part("peers", "Beside other libraries' networks", "speed", partial(each_campaign, peers_table), order=40)
