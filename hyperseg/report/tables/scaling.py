"""Sweeps over input size and batch, point by point: one table per latency protocol."""

from hyperseg.records import SweepPoint
from hyperseg.report.collection import Collection, Latency, protocol_of, protocol_slug, protocol_title
from hyperseg.report.names import hw, slug
from hyperseg.report.part import Part
from hyperseg.report.tables.identity import IDENTITY, identity_cells
from hyperseg.report.tables.model import Cell, Column, Table
from hyperseg.report.tables.runtime import device_label, mib_cell, milliseconds, verdict_cell
from hyperseg.report.timed_seeds import seed_order, weights_titles

_COLUMNS = (
    *IDENTITY,
    Column("machine", "", shown=False),
    Column("device_name", "Device", fold=True),
    Column("engine", "Engine", fold=True),
    Column("precision", "Precision", fold=True),
    Column("axis", "Sweep", fold=True),
    Column("batch", "Batch", numeric=True, fold=True),
    Column("input_height_px", "", shown=False),
    Column("input_width_px", "", shown=False),
    Column("input", "Input [px]", fold=True),
    Column("pixel_ratio", "Pixels, of native", numeric=True, fold=True),
    Column("median_ms", "Median of a batch [ms]", numeric=True),
    Column("images_per_s", "Images/s", numeric=True),
    Column("peak_memory_mib", "Peak memory [MiB]", numeric=True),
    Column("samples", "Samples", numeric=True),
    Column("verdict", "Verdict"),
)


def scaling_tables(collection: Collection) -> list[Table]:
    """Stable order: protocols by name, rows by machine, network, engine, sweep and size."""
    ordered = sorted(collection.latency, key=lambda entry: seed_order(entry, collection))
    swept = [entry for entry in ordered if entry.numbers.points]
    titles = weights_titles(collection)
    # Only if sweeps differ in their weights.
    weights = (Column("weights", "Weights"),) if any(entry.name in titles for entry in swept) else ()
    return [
        Table(
            id=slug("scaling", protocol_slug(protocol)),
            title=f"Scaling, {protocol_title(protocol)}",
            caption="Time against input size and batch, every point of the sweeps. Images/s is over the total time, "
            "so it lies below the inverse of the median where some passes took long.",
            columns=(*_COLUMNS, *weights),
            rows=tuple(
                _row(entry, point, device_label(entry, collection), titles.get(entry.name))
                for entry in swept
                if protocol_of(entry.record) == protocol
                for point in sorted(entry.numbers.points, key=_order)
            ),
            findings=("clock",),
        )
        for protocol in sorted({protocol_of(entry.record) for entry in swept})
    ]


def _order(point: SweepPoint) -> tuple[str, float, int]:
    return point.axis, point.pixel_ratio, point.batch


def _row(entry: Latency, point: SweepPoint, device: str, weights: str | None) -> dict[str, Cell]:
    numbers, here = entry.numbers, (entry.anchor,)
    return identity_cells(entry.record) | {
        "machine": Cell(entry.record.provenance.machine.fingerprint),
        "device_name": Cell(numbers.device_name, device),
        "engine": Cell(numbers.engine),
        "precision": Cell(numbers.precision),
        "axis": Cell(point.axis),
        "batch": Cell(point.batch),
        "input_height_px": Cell(point.input_height),
        "input_width_px": Cell(point.input_width),
        "input": Cell(hw(point.input_height, point.input_width)),
        "pixel_ratio": Cell(point.pixel_ratio, f"{point.pixel_ratio:.2f}×"),
        "median_ms": Cell(point.median_ms, milliseconds(point.median_ms), here),
        "images_per_s": Cell(point.fps, milliseconds(point.fps), here),
        "peak_memory_mib": mib_cell(point.peak_memory_bytes),
        "samples": Cell(point.samples),
        "verdict": verdict_cell(point.verdict, smoke=numbers.smoke),
        "weights": Cell(weights),
    }


PART = Part("scaling", "Scaling", "speed", lambda inputs: scaling_tables(inputs.collection), order=20)
