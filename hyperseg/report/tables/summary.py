"""The summary: a row per network, split and device, with what a reader asks first."""

from collections.abc import Sequence
from statistics import mean

from hyperseg.records import NetworkRef, Record
from hyperseg.report.collection import (
    Collection,
    Evaluation,
    Key,
    Latency,
    architecture_key,
    checkpoint,
    protocol_of,
    protocol_slug,
    protocol_title,
)
from hyperseg.report.names import hw, network_title
from hyperseg.report.part import Part
from hyperseg.report.tables.accuracy import accuracy_rows
from hyperseg.report.tables.identity import dataset_cells
from hyperseg.report.tables.model import Cell, Column, Table
from hyperseg.report.tables.runtime import device_label, milliseconds, verdict_cell
from hyperseg.report.timed_seeds import of_one_seed, said_of_seeds

Protocol = tuple[str, int]


def summary_table(collection: Collection) -> Table:
    """mIoU per evaluation protocol, and per latency protocol the fastest engine at batch 1 on each device."""
    scoring = sorted({protocol_of(entry.record) for entry in collection.evaluation})
    latencies = [entry for entry in of_one_seed(collection) if not entry.numbers.points]  # a sweep has its own table
    timing = sorted({protocol_of(entry.record) for entry in latencies})
    scored: dict[Key, list[list[Evaluation]]] = {}
    for row in accuracy_rows(collection):
        scored.setdefault(_key(row[0].record), []).append(row)
    timed: dict[Key, list[Latency]] = {}
    for entry in latencies:
        timed.setdefault(_key(entry.record), []).append(entry)
    trained = {_key(entry.record) for entry in collection.training}
    rows = [
        _row(record, evaluations, times, collection)
        for key, record in _networks(collection).items()
        for evaluations in scored.get(key) or [[]]
        for times in _by_device(timed.get(key, [])) or [[]]
        if evaluations or times or key in trained  # a network that was only benchmarked has tables of its own
    ]
    return Table(
        id="summary",
        title="Summary",
        caption="Mean IoU by evaluation protocol; median time of one image by latency protocol, fastest engine that is "
        f"not INVALID.{said_of_seeds(collection)}"
        if timing
        else "Mean IoU by evaluation protocol.",
        columns=(
            Column("network", "Network"),
            Column("campaign", "Campaign", fold=True, detail=True),
            Column("backbone", "Backbone", fold=True, detail=True),
            Column("parameters_m", "", shown=False),
            Column("gmacs_per_image", "", shown=False),
            Column("dataset", "Dataset", fold=True),
            Column("split", "Split", fold=True),
            Column("input", "Scored at [px]", fold=True, detail=True),
            Column("checkpoint", "Checkpoint", fold=True, detail=True),
            *map(_scoring_column, scoring),
            Column("device_name", "Device", fold=True),
            *(column for protocol in timing for column in _timing_columns(protocol)),
        ),
        rows=tuple(rows),
    )  # fmt: skip


def _scoring_column(protocol: Protocol) -> Column:
    return Column(f"miou_percent_{protocol_slug(protocol)}", f"mIoU [%], {protocol_title(protocol)}", numeric=True)


def _timing_columns(protocol: Protocol) -> tuple[Column, ...]:
    slug, title = protocol_slug(protocol), protocol_title(protocol)
    return (
        Column(f"median_ms_{slug}", f"Median [ms], {title}", numeric=True),
        Column(f"engine_{slug}", f"Engine, {title}", fold=True),
        Column(f"verdict_{slug}", f"Verdict, {title}"),
    )


def _networks(collection: Collection) -> dict[Key, Record]:
    """Every network of the report once, by campaign, in stable order, with a record that names it."""
    found: dict[Key, Record] = {}
    for entry in collection:
        key = _key(entry.record)
        # a latency record knows the multiply-accumulates
        if key not in found or found[key].network.gmacs is None:
            found[key] = entry.record
    return dict(sorted(found.items()))


def _key(record: Record) -> Key:
    return (record.campaign, *architecture_key(record.network))


def _by_device(timed: Sequence[Latency]) -> list[list[Latency]]:
    devices: dict[tuple[str, str], list[Latency]] = {}
    for entry in timed:
        if entry.numbers.batch == 1:
            key = (entry.record.provenance.machine.fingerprint, entry.numbers.device_name)
            devices.setdefault(key, []).append(entry)
    return [devices[key] for key in sorted(devices)]


def _row(
    record: Record, evaluations: Sequence[Evaluation], timed: Sequence[Latency], collection: Collection
) -> dict[str, Cell]:
    row = {"campaign": Cell(record.campaign)} | _network_cells(record.network)
    if evaluations and (dataset := evaluations[0].record.dataset):
        numbers = evaluations[0].numbers
        row |= dataset_cells(dataset, collection) | {
            "input": Cell(hw(numbers.input_height, numbers.input_width)),
            "checkpoint": Cell(checkpoint(evaluations[0], collection)),
        }
    for protocol in {protocol_of(entry.record) for entry in evaluations}:
        seeds = [entry for entry in evaluations if protocol_of(entry.record) == protocol]
        average = mean(entry.numbers.miou_percent for entry in seeds)
        anchors = tuple(entry.anchor for entry in seeds)
        row[f"miou_percent_{protocol_slug(protocol)}"] = Cell(average, f"{average:.2f}", anchors, mark="good")
    for protocol in {protocol_of(entry.record) for entry in timed}:
        row |= _timing_cells(protocol, [entry for entry in timed if protocol_of(entry.record) == protocol])
    if timed:
        device = device_label(timed[0], collection)
        row["device_name"] = Cell(timed[0].numbers.device_name, device)
    return row


def _network_cells(network: NetworkRef) -> dict[str, Cell]:
    gmacs = network.gmacs
    return {
        "network": Cell(network.id, network_title(network.id)),
        "backbone": Cell(network.backbone),
        "parameters_m": Cell(network.parameters / 1e6, f"{network.parameters / 1e6:.2f}"),
        "gmacs_per_image": Cell(gmacs, f"{gmacs:.2f}" if gmacs is not None else ""),
    }


def _timing_cells(protocol: Protocol, timed: Sequence[Latency]) -> dict[str, Cell]:
    fastest = min(timed, key=lambda entry: (entry.numbers.verdict.verdict == "INVALID", entry.numbers.median_ms))
    numbers, slug, here = fastest.numbers, protocol_slug(protocol), (fastest.anchor,)
    verdict = verdict_cell(numbers.verdict, smoke=numbers.smoke)
    return {
        f"median_ms_{slug}": Cell(numbers.median_ms, milliseconds(numbers.median_ms), here, mark="good"),
        f"engine_{slug}": Cell(f"{numbers.engine}, {numbers.precision}"),
        f"verdict_{slug}": Cell(verdict.value, verdict.text, mark=verdict.mark),
    }


PART = Part("summary", "Summary", "summary", lambda inputs: [summary_table(inputs.collection)])
