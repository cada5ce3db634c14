"""Accuracy against speed as a table: a row per network, a table per campaign and setting."""

from collections.abc import Sequence
from dataclasses import replace

from hyperseg.report.collection import Collection, Key, checkpoint, dataset_key, grouped, protocol_of, protocol_title
from hyperseg.report.inputs import Inputs
from hyperseg.report.measured import EAGER, FASTEST, Latency, Measured, measured
from hyperseg.report.names import distinct, hw, slug
from hyperseg.report.panel import Point, pareto
from hyperseg.report.part import Part
from hyperseg.report.tables.identity import IDENTITY, dataset_cells, identity_cells
from hyperseg.report.tables.model import Cell, Column, Table
from hyperseg.report.tables.runtime import mib_cell, verdict_cell, with_interval
from hyperseg.report.timed_seeds import said_of_seeds
from hyperseg.report.tradeoff import measured_point

_LAST = ("backbone", "backbone_weights")  # wide, and mostly the same: behind the numbers
_COLUMNS = (
    *(
        replace(column, shown=column.key not in ("network_source", "slices", "parameters"))
        for column in IDENTITY
        if column.key not in _LAST
    ),
    Column("checkpoint", "Checkpoint", fold=True),
    Column("parameters_m", "Parameters [M]", numeric=True),
    Column("gmacs_per_image", "GMACs", numeric=True),
    Column("dataset", "Dataset", fold=True), Column("split", "Split", fold=True),
    Column("scoring", "Scored by", fold=True),
    Column("device_name", "Timed on", fold=True), Column("threads", "Threads", numeric=True, fold=True),
    Column("timing", "Timed by", fold=True), Column("precision", "Precision", fold=True),
    Column("input", "Input [px]", fold=True),
    Column("miou_percent", "mIoU [%]", numeric=True),
    Column("miou_low_percent", "", shown=False), Column("miou_high_percent", "", shown=False),
    Column("seeds", "Seeds", numeric=True, fold=True),
    Column("eager_ms", "Eager [ms]", numeric=True),
    Column("eager_low_ms", "", shown=False), Column("eager_high_ms", "", shown=False),
    Column("fastest_ms", "Fastest engine [ms]", numeric=True),
    Column("fastest_low_ms", "", shown=False), Column("fastest_high_ms", "", shown=False),
    Column("engine", "Engine"),
    Column("on_front", "On the front"),
    Column("verdict", "Verdict"),
    Column("peak_memory_mib", "Peak memory [MiB]", numeric=True, detail=True),
    Column("images_seen", "Training images", numeric=True, fold=True),
    *(column for column in IDENTITY if column.key in _LAST),
    Column("origin", "Weights", fold=True, detail=True),
)  # fmt: skip


def front_tables(inputs: Inputs) -> list[Table]:
    """Stable order: by dataset, campaign and setting; in a table the most accurate network first."""
    found = [one for one in measured(inputs.collection) if one.main_scoring and not one.setting.smoke]
    groups = grouped(found, _place)
    said = said_of_seeds(inputs.collection)
    tables = [_table(group, said, inputs.collection) for group in groups if len(group) > 1]
    names = distinct(table.id for table in tables)
    return [replace(table, id=name) for table, name in zip(tables, names, strict=True)]


def _place(one: Measured) -> Key:
    return (*dataset_key(one.scored[0]), one.record.campaign, protocol_of(one.record), one.setting)


def _table(group: Sequence[Measured], said: str, collection: Collection) -> Table:
    campaign, setting = group[0].record.campaign, group[0].setting
    ordered = sorted(group, key=lambda one: (-one.miou_percent, one.record.network.id))
    fronts = {
        name: pareto(measured_point(one, engine) for one in group if engine in one.engines)
        for name, engine in (("fastest", FASTEST), (EAGER, EAGER))
    }
    return Table(
        id=slug("measured", campaign, setting.title.lower()),
        title=f"Accuracy and time, {campaign}: {setting.title}",
        caption="Median time of one image in eager PyTorch and on each network's fastest engine, with 95 % intervals; "
        "memory is of that engine. Where its record is INVALID no time is shown. On the front: no other network "
        "of the table is at least as accurate and as fast, intervals aside. GMACs count a context path without effect, "
        f"which no engine runs.{said}",
        columns=_COLUMNS,
        rows=tuple(_row(one, fronts, collection) for one in ordered),
        findings=("clock", "seed"),
    )


def _row(one: Measured, fronts: dict[str, tuple[Point, ...]], collection: Collection) -> dict[str, Cell]:
    record, fastest, dataset, span = one.record, one.doubted or one.fastest, one.record.dataset, one.miou_span
    numbers, gmacs = fastest.numbers, fastest.record.network.gmacs
    miou = f"{one.miou_percent:.2f}" + (f" [{span[0]:.1f}, {span[1]:.1f}]" if span else "")
    here = one.scored[0].anchor
    on = [name for name, front in fronts.items() if any(here in point.records for point in front)]
    seen = one.training.numbers.images_seen if one.training else None
    assert dataset is not None
    return identity_cells(record) | {
        "checkpoint": Cell(checkpoint(one.scored[0], collection)),
        "parameters_m": Cell(record.network.parameters / 1e6, f"{record.network.parameters / 1e6:.2f}"),
        "gmacs_per_image": Cell(gmacs, f"{gmacs:.2f}" if gmacs is not None else ""),
        **dataset_cells(dataset, collection),
        "scoring": Cell(protocol_title(protocol_of(record))),
        "device_name": Cell(numbers.device_name, one.setting.device),
        "threads": Cell(one.setting.threads or None),
        "timing": Cell(protocol_title(one.setting.protocol)),
        "precision": Cell(one.setting.precision),
        "input": Cell(hw(numbers.input_height, numbers.input_width)),
        "miou_percent": Cell(one.miou_percent, miou, tuple(entry.anchor for entry in one.scored)),
        "miou_low_percent": Cell(span[0] if span else None),
        "miou_high_percent": Cell(span[1] if span else None),
        "seeds": Cell(len(one.scored)),
        **_time("eager", one.eager),
        **_time("fastest", None if one.doubted else fastest),
        "engine": Cell(numbers.engine),
        "on_front": Cell(", ".join(on) or "no"),
        "verdict": verdict_cell(numbers.verdict, smoke=numbers.smoke),
        "peak_memory_mib": mib_cell(numbers.peak_memory_bytes),
        "images_seen": Cell(seen, "" if seen is None else str(seen), (one.training.anchor,) if one.training else ()),
        "origin": Cell(one.origin or None),
    }


def _time(name: str, entry: Latency | None) -> dict[str, Cell]:
    if entry is None:
        return {}
    numbers, interval = entry.numbers, entry.numbers.median_interval
    return {
        f"{name}_ms": Cell(numbers.median_ms, with_interval(numbers.median_ms, interval), (entry.anchor,)),
        f"{name}_low_ms": Cell(interval.low if interval else None),
        f"{name}_high_ms": Cell(interval.high if interval else None),
    }


PART = Part("front", "Accuracy and time", "tradeoff", front_tables)
