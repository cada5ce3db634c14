"""How long each campaign's records took to make."""

from collections import Counter, defaultdict

from hyperseg.report.collection import AnyEntry, Collection
from hyperseg.report.names import device_title
from hyperseg.report.part import Part
from hyperseg.report.tables.model import Cell, Column, Table

_COLUMNS = (
    Column("campaign", "Campaign"),
    Column("records", "Records", numeric=True),
    Column("training_s", "Training [min]", numeric=True),
    Column("evaluation_s", "Evaluation [min]", numeric=True),
    Column("latency_s", "Latency [min]", numeric=True),
    Column("bench_s", "Benchmark [min]", numeric=True),
    Column("total_s", "Together [min]", numeric=True),
    Column("machine", "Machine", fold=True),
)


def durations_table(collection: Collection) -> Table:
    """One row per campaign and machine: the records' own durations added up, without the time between steps."""
    groups: dict[tuple[str, str], list[AnyEntry]] = defaultdict(list)
    for entry in collection:
        groups[entry.record.campaign, entry.record.provenance.machine.fingerprint].append(entry)
    return Table(
        id="durations",
        title="Durations",
        caption="The durations of a campaign's records added up, of a resumed training those of its epochs; what lies "
        "between two steps is not counted.",
        columns=_COLUMNS,
        rows=tuple(_row(campaign, entries) for (campaign, _), entries in sorted(groups.items())),
    )


def _row(campaign: str, entries: list[AnyEntry]) -> dict[str, Cell]:
    machine = entries[0].record.provenance.machine
    seconds: Counter[str] = Counter()
    for entry in entries:
        seconds[entry.record.kind] += entry.record.whole_s  # type: ignore[assignment]  # Counter is typed for int
    total = sum(seconds.values())
    name = ", ".join([*dict.fromkeys(map(device_title, [*machine.gpus, machine.cpu])), f"{machine.cpu_cores} cores"])
    cells = {f"{kind}_s": Cell(value, f"{value / 60:.1f}") for kind, value in sorted(seconds.items())}
    return cells | {
        "campaign": Cell(campaign),
        "records": Cell(len(entries)),
        "total_s": Cell(total, f"{total / 60:.1f}"),
        "machine": Cell(machine.fingerprint, name),
    }


PART = Part("durations", "Durations", "summary", lambda inputs: [durations_table(inputs.collection)], order=90)
