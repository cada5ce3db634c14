"""Raw files beside records: the confusion matrix of every image, the samples of a latency. Read, written, compared."""

import io
import math
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hyperseg.files import sha256_file, write_bytes_atomic
from hyperseg.records.check import Check, fault, interval, number
from hyperseg.records.schema import EvaluationNumbers, LatencyNumbers, Record
from hyperseg.records.scores import Matrix, bootstrap_interval
from hyperseg.records.statistics import P90_SAMPLES, P99_SAMPLES, drift_percent, percentile, process_interval

COLUMNS = ("batch", "input_height", "input_width", "process", "phase", "latency_ns", "device_ns")
# What reading a damaged raw file raises; pyarrow's errors are among them.
UNREADABLE = (OSError, EOFError, ValueError, KeyError, IndexError, zipfile.BadZipFile, zlib.error, NotImplementedError)


def raw_file(record: Record) -> tuple[str, str | None] | None:
    """Name and sha256 of the raw file that a record names; None where it names none."""
    numbers = record.numbers
    if isinstance(numbers, EvaluationNumbers) and numbers.matrices_file:
        return numbers.matrices_file, numbers.matrices_sha256
    if isinstance(numbers, LatencyNumbers) and numbers.samples_file:
        return numbers.samples_file, numbers.samples_sha256
    return None


def raw_checks(record: Record, folder: Path) -> Iterator[Check]:
    """Every number that follows from the raw file in `folder`; none where the file is not there."""
    named = raw_file(record)
    if named is None or not (path := folder / named[0]).is_file():
        return
    try:
        if sha256_file(path) != named[1]:
            yield fault(path.name, f"the sha256 of {path.name} is not the one that the record names")
        elif isinstance(record.numbers, EvaluationNumbers):
            yield from _matrices(record.numbers, record, path)
        elif isinstance(record.numbers, LatencyNumbers):
            yield from _samples(record.numbers, path)
    except UNREADABLE as error:
        yield fault(path.name, f"{path.name} cannot be read ({' '.join(str(error).split())[:120]})")


def write_matrices(path: Path, per_image: Matrix, names: Sequence[str]) -> str:
    """Write the images' confusion matrices (N, C, C) and names as a compressed npz; returns its sha256.

    The same matrices give the same bytes.
    """
    buffer = io.BytesIO()
    np.savez_compressed(buffer, matrices=per_image.astype(np.int64), images=np.array(names, dtype=str))
    write_bytes_atomic(path, buffer.getvalue())
    return sha256_file(path)


def read_matrices(path: Path, images: int, classes: int) -> Matrix:
    """The matrices (N, C, C) of `images` images and `classes` classes; ValueError where the file holds others."""
    with zipfile.ZipFile(path) as archive:  # checked before numpy allocates what the file claims to hold
        size = archive.getinfo("matrices.npy").file_size
    if size > 8 * images * classes**2 + 4096:
        raise ValueError(f"it holds more than {images} matrices of {classes} classes")
    with np.load(path, allow_pickle=False) as content:
        matrices: Matrix = content["matrices"]
    if matrices.shape != (images, classes, classes) or matrices.dtype != np.int64 or (matrices < 0).any():
        raise ValueError(f"it does not hold {images} matrices of {classes} classes")
    return matrices


def _matrices(numbers: EvaluationNumbers, record: Record, path: Path) -> Iterator[Check]:
    images = record.dataset.images if record.dataset else 0
    per_image = read_matrices(path, images, len(numbers.classes))
    if per_image.sum(0).tolist() != numbers.confusion_matrix:
        yield fault("confusion_matrix", f"confusion_matrix is not the sum of the images' matrices in {path.name}")
        return
    derived = bootstrap_interval(per_image, numbers.absent_classes)
    yield from interval("miou_interval", numbers.miou_interval, derived, path.name)
    yield from _pixels(numbers, record, int(per_image.sum()))


def _pixels(numbers: EvaluationNumbers, record: Record, counted: int) -> Iterator[Check]:
    """The images' sizes say how many pixels there are; those that are not counted are the ignored ones."""
    sizes = record.dataset.image_sizes if record.dataset else None
    if not record.dataset or not sizes:
        return
    images = record.dataset.images
    yield number("dataset.images", images, sum(sizes.values()), "image_sizes")
    reading = record.config.get("reading")
    if isinstance(reading, dict) and reading.get("geometry") == "resize_both":  # the labels too have the input's size
        pixels = images * numbers.input_height * numbers.input_width
    else:
        pixels = sum(count * math.prod(map(int, size.split("x"))) for size, count in sizes.items())
    yield number("ignored_pixels", numbers.ignored_pixels, pixels - counted, "the images' sizes and matrices")


def _samples(numbers: LatencyNumbers, path: Path) -> Iterator[Check]:
    import pyarrow.parquet as parquet

    table = parquet.read_table(path, columns=list(COLUMNS)).to_pandas()
    timed = table[table["phase"] == "timed"]
    headline = _at(timed, numbers.batch, numbers.input_height, numbers.input_width)
    yield from _point(numbers, headline, path.name)
    warm_up = _at(table[table["phase"] != "timed"], numbers.batch, numbers.input_height, numbers.input_width)
    yield number("warmup_samples", numbers.warmup_samples, len(warm_up), path.name)
    yield from _drift(numbers, headline, path.name)
    yield number("mean_ms", numbers.mean_ms, float(headline["latency_ns"].mean() / 1e6), path.name)
    milliseconds = headline["latency_ns"].to_numpy(np.float64) / 1e6
    yield number("p90_ms", numbers.p90_ms, percentile(milliseconds, 90, P90_SAMPLES), path.name)
    yield number("p99_ms", numbers.p99_ms, percentile(milliseconds, 99, P99_SAMPLES), path.name)
    medians = _process_medians(headline)
    if len(numbers.process_medians_ms) != len(medians):
        yield fault("process_medians_ms", f"process_medians_ms does not hold one median per process of {path.name}")
    for index, (stated, derived) in enumerate(zip(numbers.process_medians_ms, medians, strict=False)):
        yield number(f"process_medians_ms.{index}", stated, derived, path.name)
    device = headline["device_ns"].dropna()
    on_device = float(device.median()) / 1e6 if len(device) else None
    yield number("device_median_ms", numbers.device_median_ms, on_device, path.name)
    for index, point in enumerate(numbers.points):
        rows = _at(timed, point.batch, point.input_height, point.input_width)
        for check in _point(point, rows, path.name):
            yield replace(check, name=f"points.{index}.{check.name}")
        rate = point.batch * len(rows) / (rows["latency_ns"].sum() / 1e9)
        yield number(f"points.{index}.fps", point.fps, float(rate), path.name)


def _drift(numbers: LatencyNumbers, rows: Any, name: str) -> Iterator[Check]:
    """The drift of each process, on which the verdict rests; the record rounds it to two decimals."""
    stated = numbers.conditions.get("drift_percent")
    if not isinstance(stated, list):
        yield fault("conditions.drift_percent", "conditions.drift_percent is missing, though the samples are there")
        return
    found = (group.to_numpy(np.float64) for _, group in rows.groupby("process")["latency_ns"])
    for index, (ours, samples) in enumerate(zip(stated, found, strict=False)):
        yield Check(f"conditions.drift_percent.{index}", ours, drift_percent(samples), name, 0.00501)


def _at(timed: Any, batch: int, height: int, width: int) -> Any:
    size = (timed["batch"] == batch) & (timed["input_height"] == height) & (timed["input_width"] == width)
    return timed[size]


def _process_medians(rows: Any) -> list[float]:
    return [float(value) / 1e6 for value in rows.groupby("process")["latency_ns"].median()]


def _point(stated: Any, rows: Any, name: str) -> Iterator[Check]:
    yield number("samples", stated.samples, len(rows), name)
    if not len(rows):
        return
    yield number("median_ms", stated.median_ms, float(rows["latency_ns"].median()) / 1e6, name)
    medians = _process_medians(rows)
    yield number("processes", stated.processes, len(medians), name)
    yield from interval("median_interval", stated.median_interval, process_interval(medians), name)
