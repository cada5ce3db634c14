"""Runtime tables: one per latency protocol and version, a row per machine, device, network, engine and precision."""

from collections.abc import Sequence

from hyperseg.records import Interval, Verdict
from hyperseg.report.collection import Collection, Latency, protocol_of, protocol_slug, protocol_title
from hyperseg.report.comparability import latency_differs, paper_row
from hyperseg.report.facts import PaperRow
from hyperseg.report.names import device_title, hw, slug
from hyperseg.report.part import Part
from hyperseg.report.tables.identity import IDENTITY, identity_cells
from hyperseg.report.tables.model import Cell, Column, Mark, Table
from hyperseg.report.timed_seeds import seed_order, weights_titles

_COLUMNS = (
    *IDENTITY,
    Column("machine", "", shown=False),
    Column("device", "", shown=False),
    Column("device_name", "Device", fold=True),
    Column("threads", "Threads", numeric=True, fold=True),
    Column("weights", "Weights", fold=True),
    Column("engine", "Engine", fold=True),
    Column("precision", "Precision", fold=True),
    Column("tf32", "", shown=False),
    Column("batch_norm", "Batch norm", fold=True),
    Column("batch", "Batch", numeric=True, fold=True),
    Column("input_height_px", "", shown=False),
    Column("input_width_px", "", shown=False),
    Column("input", "Input [px]", fold=True),
    Column("median_ms", "Median [ms]", numeric=True),
    Column("median_low_ms", "", shown=False),
    Column("median_high_ms", "", shown=False),
    Column("verdict", "Verdict"),
    Column("enters_claims", "", shown=False),
    Column("smoke", "", shown=False),
    Column("mean_ms", "", shown=False),
    Column("p90_ms", "p90 [ms]", numeric=True),
    Column("p99_ms", "p99 [ms]", numeric=True),
    Column("images_per_s", "Images/s", numeric=True),
    Column("speedup_vs_authors", "Speed-up vs authors'", numeric=True),
    Column("paper_latency_ms", "Paper [ms]", numeric=True),
    Column("ratio_to_paper", "Ratio to paper", numeric=True),
    Column("paper_source", "", shown=False),
    Column("gmacs_per_image", "GMACs", numeric=True, detail=True),
    Column("fraction_of_roof", "Of roofline [%]", numeric=True, detail=True),
    Column("peak_memory_mib", "Peak memory [MiB]", numeric=True, detail=True),
    Column("prepare_s", "Preparation [s]", numeric=True, detail=True),
    Column("samples", "Samples", numeric=True, detail=True),
    Column("processes", "Processes", numeric=True, fold=True),
)


def enters_claims(entry: Latency) -> bool:
    """Whether a claim may rest on this number: measured, not a smoke run, and not INVALID."""
    return not entry.numbers.smoke and entry.numbers.verdict.verdict != "INVALID"


def runtime_tables(collection: Collection, paper: Sequence[PaperRow]) -> list[Table]:
    """One table per protocol and version, protocols in alphabetical order."""
    protocols = sorted({protocol_of(entry.record) for entry in collection.latency})
    return [_table(protocol, collection, paper) for protocol in protocols]


def _table(protocol: tuple[str, int], collection: Collection, paper: Sequence[PaperRow]) -> Table:
    entries = [entry for entry in collection.latency if protocol_of(entry.record) == protocol]
    title = protocol_title(protocol)
    stages = {", ".join(entry.numbers.clock_stages) for entry in entries}
    clock = f" Inside the clock: {stages.pop()}." if len(stages) == 1 else ""
    smoke = " Smoke runs are functional checks and enter no claim." if any(e.numbers.smoke for e in entries) else ""
    titles = weights_titles(collection)
    ordered = sorted(entries, key=lambda entry: seed_order(entry, collection))
    return Table(
        id=slug("runtime", protocol_slug(protocol)),
        title=f"Runtime, {title}",
        caption=f"Time per batch under the latency protocol {title}: median in milliseconds.{clock}{smoke}",
        columns=_COLUMNS,
        rows=tuple(_row(entry, collection, paper, titles.get(entry.name)) for entry in ordered),
        findings=("clock", "dead_path"),
    )


def _row(
    entry: Latency, collection: Collection, paper: Sequence[PaperRow], weights_title: str | None
) -> dict[str, Cell]:
    record, numbers = entry.record, entry.numbers
    here = (entry.anchor,)
    machine = record.provenance.machine
    weights, trained = record.network.weights_sha256, record.network.weights_sha256 is not None
    origin = "trained" if trained else "random: time only"
    return identity_cells(record) | {
        "machine": Cell(machine.fingerprint),
        "device": Cell(numbers.device),
        "device_name": Cell(numbers.device_name, device_label(entry, collection)),
        "threads": Cell(record.provenance.threads),
        "weights": Cell(
            weights, f"{origin}, {weights_title}" if weights_title else origin, mark="" if trained else "muted"
        ),
        "engine": Cell(numbers.engine),
        "precision": Cell(numbers.precision, f"{numbers.precision}, TF32" if numbers.tf32 else numbers.precision),
        "tf32": Cell(numbers.tf32),
        "batch_norm": Cell(numbers.batch_norm),
        "batch": Cell(numbers.batch),
        "input_height_px": Cell(numbers.input_height),
        "input_width_px": Cell(numbers.input_width),
        "input": Cell(hw(numbers.input_height, numbers.input_width)),
        "median_ms": Cell(numbers.median_ms, with_interval(numbers.median_ms, numbers.median_interval), here),
        "median_low_ms": Cell(numbers.median_interval.low if numbers.median_interval else None),
        "median_high_ms": Cell(numbers.median_interval.high if numbers.median_interval else None),
        "mean_ms": Cell(numbers.mean_ms),
        "p90_ms": _rounded(numbers.p90_ms, here),
        "p99_ms": _rounded(numbers.p99_ms, here),
        "images_per_s": _rounded(numbers.fps, here),
        "speedup_vs_authors": _speedup(entry, collection),
        "gmacs_per_image": _rounded(record.network.gmacs),
        "fraction_of_roof": _percent(numbers.roofline.fraction_of_roof if numbers.roofline else None),
        "peak_memory_mib": mib_cell(numbers.peak_memory_bytes),
        "prepare_s": _rounded(numbers.prepare_s),
        "samples": Cell(numbers.samples),
        "processes": Cell(numbers.processes),
        "smoke": Cell(numbers.smoke),
        "verdict": verdict_cell(numbers.verdict, smoke=numbers.smoke),
        "enters_claims": Cell(enters_claims(entry)),
    } | _beside_paper(entry, paper)  # fmt: skip


def device_label(entry: Latency, collection: Collection) -> str:
    """The device's name; with the machine's fingerprint where two machines have a device of that name."""
    name, machine = entry.numbers.device_name, entry.record.provenance.machine.fingerprint
    twins = len(collection.machines_of_device[name]) > 1
    return f"{device_title(name)} ({machine})" if twins else device_title(name)


def milliseconds(value: float) -> str:
    """Three significant digits, no more than two decimals."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def mib_cell(size: int | None, records: tuple[str, ...] = ()) -> Cell:
    """A size in bytes, in MiB; empty where it is not known."""
    return Cell(size / 2**20, f"{size / 2**20:.0f}", records) if size else Cell()


def _rounded(value: float | None, records: tuple[str, ...] = ()) -> Cell:
    return Cell(value, "" if value is None else milliseconds(value), records if value is not None else ())


def _percent(fraction: float | None) -> Cell:
    return Cell(fraction, "" if fraction is None else f"{100 * fraction:.0f}")


def with_interval(value: float, interval: Interval | None) -> str:
    if interval is None:
        return milliseconds(value)
    return f"{milliseconds(value)} [{milliseconds(interval.low)}, {milliseconds(interval.high)}]"


def verdict_cell(verdict: Verdict, *, smoke: bool) -> Cell:
    """The verdict with its reasons as notes; a smoke run says so first."""
    marks: dict[str, Mark] = {"VALID": "valid", "DEGRADED": "degraded", "INVALID": "invalid"}
    notes = tuple(reason.rstrip(". ") for reason in verdict.reasons)
    if smoke:
        return Cell(verdict.verdict, f"smoke ({verdict.verdict})", mark="smoke", notes=notes)
    return Cell(verdict.verdict, mark=marks[verdict.verdict], notes=notes)


def _speedup(entry: Latency, collection: Collection) -> Cell:
    """The authors' median over ours: same campaign, machine, device, protocol, variant, batch and input size."""
    if entry.record.network.source == "authors" or not enters_claims(entry):
        return Cell()
    anchors = [
        other
        for other in collection.latency_of("authors")
        if enters_claims(other) and _setting(other) == _setting(entry)
    ]
    if len(anchors) != 1:
        return Cell()
    ratio = anchors[0].numbers.median_ms / entry.numbers.median_ms
    return Cell(ratio, f"{ratio:.2f}×", (anchors[0].anchor, entry.anchor))


def _setting(entry: Latency) -> tuple[object, ...]:
    numbers, record = entry.numbers, entry.record
    return (
        record.campaign, record.provenance.machine.fingerprint, numbers.device, numbers.device_name,
        record.provenance.threads, protocol_of(record), record.network.id, numbers.batch,
        numbers.input_height, numbers.input_width,
    )  # fmt: skip


def _beside_paper(entry: Latency, paper: Sequence[PaperRow]) -> dict[str, Cell]:
    row = paper_row(paper, entry.record.network.id, None)
    if row is None or row.milliseconds is None or protocol_of(entry.record)[0] != "paper":
        return {}  # the paper's times are only shown beside its own protocol
    stated = row.milliseconds
    cells = {"paper_latency_ms": Cell(stated, milliseconds(stated)), "paper_source": Cell(row.source)}
    reasons = latency_differs(entry, row)
    if entry.numbers.verdict.verdict == "INVALID":
        reasons = ["an INVALID number enters no claim", *reasons]
    if reasons:
        return cells | {"ratio_to_paper": Cell(None, "not comparable", mark="muted", notes=tuple(reasons))}
    # the paper's protocol counts images over total time, as the published figure does
    ratio = 1000.0 / entry.numbers.fps / stated
    return cells | {"ratio_to_paper": Cell(ratio, f"{ratio:.2f}×", (entry.anchor,))}


PART = Part("runtime", "Runtime", "speed", lambda inputs: runtime_tables(inputs.collection, inputs.paper), order=10)
