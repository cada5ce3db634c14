"""Records as a tidy table: one row per number.

The verdicts on the paper's claims, users' notebooks and users' tables start from it. The report's own tables also show
what no row per number holds, such as a verdict's reasons; they start from the records and share :func:`run_columns`.
"""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hyperseg.files import sha256_file
from hyperseg.records.bench import BenchNumbers, BenchTurns
from hyperseg.records.schema import EvaluationNumbers, Interval, LatencyNumbers, Record, TrainingNumbers
from hyperseg.records.settings import BEYOND_RELEASED
from hyperseg.records.statistics import median_interval
from hyperseg.records.store import read_record_files

if TYPE_CHECKING:
    import pandas as pd

# name -> pandas type; every frame has all of them, in this order
COLUMNS = {
    "quantity": "string", "subject": "string", "value": "float64", "unit": "string", "low": "float64",
    "high": "float64", "level": "float64",
    "kind": "string", "campaign": "string", "variant": "string", "source": "string", "backbone": "string",
    "slices": "string", "num_classes": "Int64", "weights_sha256": "string",
    "pretrained": "boolean",
    "dataset": "string", "dataset_version": "string", "dataset_source": "string", "partial": "boolean",
    "split": "string", "images": "Int64", "image_sizes": "string",
    "protocol": "string", "protocol_version": "Int64", "seed": "Int64",
    "void": "string", "geometry": "string", "normalization": "string", "flip": "boolean",
    "recipe": "string", "epochs": "Int64", "images_per_epoch": "Int64", "selection": "string",
    "selection_split": "string", "beyond_released": "string",
    "engine": "string", "precision": "string", "tf32": "boolean", "batch_norm": "string", "batch": "Int64",
    "input_height": "Int64", "input_width": "Int64", "device": "string", "device_name": "string",
    "verdict": "string", "smoke": "boolean",
    "machine": "string", "cpu": "string", "threads": "Int64", "commit": "string", "dirty": "boolean",
    "started_at": "datetime64[us, UTC]", "record": "string", "record_sha256": "string",
}  # fmt: skip

Row = dict[str, Any]


def read_records(paths: "Iterable[str | Path] | str | Path") -> "pd.DataFrame":
    """A tidy frame of record files, and of every ``*.json`` under folders: one row per number.

    What the number is:
        ``quantity``  what was measured (below); ``subject``: of what inside the record, where it is not the run as a
        whole: a class, an epoch, an engine of a benchmark, a point of a sweep
        ``value``, ``unit``  the number and its unit (%, ms, s, images/s, bytes, pixels, ratio, 1)
        ``low``, ``high``, ``level``  its interval, in the same unit, and the interval's confidence level

    Of which run:
        ``kind``  training, evaluation, latency or bench; ``campaign``
        ``variant``, ``source``, ``backbone``, ``slices``, ``num_classes``, ``weights_sha256``  the network
        ``pretrained``: the backbone started from pretrained weights
        ``dataset``, ``dataset_version`` (sha256 of the manifest), ``dataset_source``, ``partial``, ``split``,
        ``images``, ``image_sizes`` (of the split, '<width>x<height>', joined by '+')  missing where none was read
        ``protocol``, ``protocol_version``, ``seed``
        ``void`` (class, ignore), ``geometry`` (resize, pad), ``normalization``, ``flip``
            how an evaluation read the dataset
        ``recipe``, ``epochs``, ``images_per_epoch``, ``selection`` (last, best), ``selection_split``,
        ``beyond_released`` (what of it no released recipe does, or nothing)  of a training
        ``engine``, ``precision``, ``tf32``, ``batch_norm``, ``batch``, ``input_height``, ``input_width``  how it ran
        ``device`` (cpu, cuda), ``device_name``
        ``verdict``  VALID, DEGRADED or INVALID, of a latency; ``smoke``: a functional check that enters no claim
        ``machine`` (fingerprint), ``cpu``, ``threads``, ``commit``, ``dirty``, ``started_at`` (UTC)
        ``record``, ``record_sha256``  the file the number lies in, and that file's hash

    Quantities: miou, majority_miou, pixel_accuracy, class_iou (subject: the class), ignored_pixels; latency_median,
    latency_mean, latency_p90, latency_p99, fps, peak_memory, prepare_time and, of a sweep, the same with the point as
    subject; final_loss, epoch_loss and epoch_miou (subject: the epoch), step_median, training_time; of a benchmark
    speed_ratio, latency_median, largest_error, equal_classes, memory_ratio, agreement (subject: part and contender),
    pixel_exponent; parameters and gmacs of every record's network.

    Raises :class:`hyperseg.errors.UserError` for a file that is no sound record, as ``hyperseg verify`` would.
    """
    files = [paths] if isinstance(paths, str | Path) else paths
    records = read_record_files(map(Path, files))
    return frame((str(path), sha256_file(path), record) for path, record in records.items())


def frame(records: Iterable[tuple[str, str, Record]], quantities: Collection[str] | None = None) -> "pd.DataFrame":
    """The same frame from records already read: (name, sha256 of the file, record); `quantities`: of these alone."""
    import pandas as pd

    rows = [
        row
        for name, sha256, record in records
        for row in _rows(name, sha256, record)
        if quantities is None or row["quantity"] in quantities
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def run_columns(record: Record) -> Row:
    """The frame's columns that identify the run of a number; what does not apply is None or missing."""
    network, dataset, protocol, made = record.network, record.dataset, record.protocol, record.provenance
    numbers, config = record.numbers, record.config
    reading, recipe = (found if isinstance(found := config.get(key), dict) else {} for key in ("reading", "recipe"))
    columns = {
        "kind": record.kind, "campaign": record.campaign, "variant": network.id, "source": network.source,
        "backbone": network.backbone, "slices": network.slices, "num_classes": network.num_classes,
        "weights_sha256": network.weights_sha256, "pretrained": network.backbone_weights is not None,
        "protocol": protocol and protocol.id, "protocol_version": protocol and protocol.version, "seed": record.seed,
        "void": reading.get("void"), "geometry": reading.get("geometry"),
        "normalization": reading.get("normalization"),
        "flip": reading.get("flip"),
        "precision": getattr(numbers, "precision", "float32" if record.kind == "evaluation" else None),
        "device": numbers.device, "device_name": getattr(numbers, "device_name", made.machine.cpu),
        "input_height": getattr(numbers, "input_height", None), "input_width": getattr(numbers, "input_width", None),
        "machine": made.machine.fingerprint, "cpu": made.machine.cpu, "threads": made.threads,
        "commit": made.commit, "dirty": made.dirty, "started_at": record.started_at,
    }  # fmt: skip
    if dataset:
        columns |= {
            "dataset": dataset.id, "dataset_version": dataset.version, "dataset_source": dataset.source,
            "partial": dataset.partial, "split": dataset.split, "images": dataset.images,
            "image_sizes": "+".join(sorted(dataset.image_sizes)) if dataset.image_sizes else None,
        }  # fmt: skip
    if isinstance(numbers, TrainingNumbers):
        columns |= {
            "recipe": recipe.get("id"), "epochs": recipe.get("epochs"),
            "images_per_epoch": recipe.get("images_per_epoch"), "selection": numbers.selection,
            "selection_split": numbers.selection_split,
            "beyond_released": ", ".join(f"{key} {recipe[key]:g}" for key in BEYOND_RELEASED if recipe.get(key)),
        }  # fmt: skip
    if isinstance(numbers, LatencyNumbers):
        columns |= {
            "engine": numbers.engine, "tf32": numbers.tf32, "batch_norm": numbers.batch_norm, "batch": numbers.batch,
            "verdict": numbers.verdict.verdict, "smoke": numbers.smoke,
        }  # fmt: skip
    return columns


def _rows(name: str, sha256: str, record: Record) -> Iterator[Row]:
    network, numbers = record.network, record.numbers
    shared = run_columns(record) | {"record": name, "record_sha256": sha256}
    match numbers:
        case EvaluationNumbers():
            found = _evaluation(numbers)
        case LatencyNumbers():
            found = _latency(numbers)
        case TrainingNumbers():
            found = _training(numbers, record.whole_s)
        case BenchNumbers():
            found = _bench(numbers)
    yield shared | _number("parameters", network.parameters, "1")
    if network.gmacs is not None:
        yield shared | _number("gmacs", network.gmacs, "1e9 MAC")
    for row in found:
        yield shared | row


def _number(
    quantity: str, value: float | None, unit: str, interval: Interval | None = None, subject: str | None = None
) -> Row:
    row: Row = {"quantity": quantity, "subject": subject, "value": value, "unit": unit}
    if interval:
        row |= {"low": interval.low, "high": interval.high, "level": interval.level}
    return row


def _evaluation(numbers: EvaluationNumbers) -> Iterator[Row]:
    yield _number("miou", numbers.miou_percent, "%", numbers.miou_interval)
    yield _number("majority_miou", numbers.majority_miou_percent, "%")
    yield _number("pixel_accuracy", numbers.pixel_accuracy_percent, "%")
    yield _number("ignored_pixels", numbers.ignored_pixels, "pixels")
    for entry in numbers.classes:  # an absent class has no number: its value is missing
        yield _number("class_iou", entry.iou_percent, "%", subject=entry.name)


def _latency(numbers: LatencyNumbers) -> Iterator[Row]:
    yield _number("latency_median", numbers.median_ms, "ms", numbers.median_interval)
    yield _number("latency_mean", numbers.mean_ms, "ms")
    for quantity, value in (("latency_p90", numbers.p90_ms), ("latency_p99", numbers.p99_ms)):
        if value is not None:
            yield _number(quantity, value, "ms")
    yield _number("fps", numbers.fps, "images/s")
    yield _number("prepare_time", numbers.prepare_s, "s")
    if numbers.peak_memory_bytes is not None:
        yield _number("peak_memory", numbers.peak_memory_bytes, "bytes")
    if numbers.pixel_exponent is not None:
        yield _number("pixel_exponent", numbers.pixel_exponent, "1")
    for point in numbers.points:
        name = f"{point.axis} {point.batch} x {point.input_height} x {point.input_width}"
        at = {
            "batch": point.batch, "input_height": point.input_height, "input_width": point.input_width,
            "verdict": point.verdict.verdict,
        }  # fmt: skip
        yield _number("latency_median", point.median_ms, "ms", point.median_interval, name) | at
        yield _number("fps", point.fps, "images/s", subject=name) | at
        if point.peak_memory_bytes is not None:
            yield _number("peak_memory", point.peak_memory_bytes, "bytes", subject=name) | at


def _training(numbers: TrainingNumbers, duration_s: float) -> Iterator[Row]:
    yield _number("final_loss", numbers.final_loss, "1")
    yield _number("step_median", numbers.step_median_ms, "ms")
    yield _number("peak_memory", numbers.peak_memory_bytes, "bytes")
    yield _number("training_time", duration_s, "s")
    for point in numbers.epochs:
        yield _number("epoch_loss", point.loss, "1", subject=str(point.epoch))
        if point.miou_percent is not None:
            yield _number("epoch_miou", point.miou_percent, "%", subject=str(point.epoch))


def _bench(numbers: BenchNumbers) -> Iterator[Row]:
    parts = {
        "inference": numbers.inference, "training": numbers.training, "loading": numbers.loading,
        "peers": numbers.peers,
    }  # fmt: skip
    for part, turns in parts.items():
        yield from _turns(part, turns) if turns else ()
    for memory in numbers.memory:
        at = _contender(memory.name)
        yield _number("peak_memory", memory.peak_bytes, "bytes", subject=f"memory: {memory.name}") | at
        yield _number("memory_ratio", memory.ratio, "ratio", subject=f"memory: {memory.name}") | at
    for share in numbers.agreement.shares if numbers.agreement else ():
        yield _number("agreement", share.percent, "%", subject=f"agreement: {share.name}") | _contender(share.name)


def _turns(part: str, turns: BenchTurns) -> Iterator[Row]:
    for timing in turns.timings:
        name = f"{part}: {timing.name}"
        at = _contender(timing.name) | {
            "batch": turns.batch, "input_height": turns.input_height, "input_width": turns.input_width,
            "verdict": timing.verdict and timing.verdict.verdict,
        }  # fmt: skip
        yield _number("latency_median", timing.median_ms, "ms", median_interval(timing.rounds_ms), name) | at
        yield _number("speed_ratio", timing.ratio, "ratio", timing.ratio_interval, name) | at
        if timing.equal_classes_percent is not None:
            yield _number("equal_classes", timing.equal_classes_percent, "%", subject=name) | at
        if timing.largest_error is not None:
            yield _number("largest_error", timing.largest_error, "1", subject=name) | at


def _contender(name: str) -> Row:
    """The network, engine and precision of a contender's name: '[network, ]engine/precision', or 'authors'."""
    if name == "authors":  # the authors' own code for the same variant
        return {"source": "authors", "engine": "eager", "precision": "float32"}
    left, slash, precision = name.rpartition("/")
    peer, comma, engine = left.rpartition(", ")
    ran = {"engine": engine, "precision": precision} if slash else {}
    return ran | ({"variant": peer, "source": "hyperseg" if "hyperseg" in peer else "peer"} if comma else {})
