"""Raw samples as parquet beside the record, never overwritten. Imports no torch."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

from hyperseg.errors import UserError
from hyperseg.files import write_bytes_atomic
from hyperseg.latency.job import Job, Result


def refuse_existing(*paths: Path) -> None:
    """Raise :class:`UserError` where one of `paths` exists: a record is never overwritten."""
    for path in paths:
        if path.exists():
            raise UserError(f"{path} exists and a record is never overwritten; move it away or name another one")


def write_samples(path: Path, runs: Sequence[tuple[Job, int, Result]]) -> None:
    """One row per sample of every process: (job, process number from 0, result).

    Columns: batch, input_height, input_width, process, phase ('warm-up' or 'timed'), index, started_ns since the
    process's clock was made, latency_ns, device_ns (CUDA events; null on a CPU). The readings of the conditions are in
    the file's metadata under ``hyperseg.conditions``, as JSON, in the order of the processes.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, list[object]] = {
        name: []
        for name in (
            "batch", "input_height", "input_width", "process", "phase", "index", "started_ns", "latency_ns",
            "device_ns",
        )
    }  # fmt: skip
    for job, process, result in runs:
        for phase, series in (("warm-up", result.warm_up), ("timed", result.timed)):
            count = len(series.latency_ns)
            columns["batch"] += [job.batch] * count
            columns["input_height"] += [job.height] * count
            columns["input_width"] += [job.width] * count
            columns["process"] += [process] * count
            columns["phase"] += [phase] * count
            columns["index"] += range(count)
            columns["started_ns"] += series.started_ns
            columns["latency_ns"] += series.latency_ns
            columns["device_ns"] += series.device_ns
    integers = {name: pa.array(values, pa.int64()) for name, values in columns.items() if name != "phase"}
    table = pa.table({**integers, "phase": pa.array(columns["phase"], pa.string())}).select(list(columns))
    conditions = json.dumps([result.condition_readings for _, _, result in runs])
    table = table.replace_schema_metadata({"hyperseg.conditions": conditions})
    content = io.BytesIO()
    pq.write_table(table, content)
    refuse_existing(path)
    write_bytes_atomic(path, content.getvalue())
