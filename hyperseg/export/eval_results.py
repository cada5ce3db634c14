"""Hugging Face's ``.eval_results``: one YAML file per network, one entry per evaluation."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from hyperseg.files import write_text_atomic
from hyperseg.records import EvaluationNumbers, Record

FOLDER = ".eval_results"


def write_eval_results(out: Path, records: Mapping[str, tuple[Path, Record]], hub: Mapping[str, str]) -> list[Path]:
    """Write the files and return them; `hub` gives the Hub's id of a dataset (``org/name``) for this project's."""
    by_network: dict[str, list[dict[str, Any]]] = {}
    for _, record in records.values():
        if isinstance(record.numbers, EvaluationNumbers) and record.dataset and record.protocol:
            by_network.setdefault(record.network.id, []).append(_entry(record, record.numbers, hub))
    written = []
    for network, entries in by_network.items():
        path = out / FOLDER / f"{network}.yaml"
        write_text_atomic(path, yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=120))
        written.append(path)
    return written


def _entry(record: Record, numbers: EvaluationNumbers, hub: Mapping[str, str]) -> dict[str, Any]:
    dataset, protocol = record.dataset, record.protocol
    assert dataset is not None
    assert protocol is not None
    found = numbers.miou_interval
    interval = f", {100 * found.level:.0f} % interval {found.low:.2f} to {found.high:.2f}" if found else ""
    task = f"{dataset.split}_{protocol.id}_v{protocol.version}"
    return {
        "dataset": {
            "id": hub.get(dataset.id, dataset.id),
            "task_id": task,
        },
        "value": round(numbers.miou_percent, 4),
        "date": record.started_at.date().isoformat(),
        "notes": f"mIoU in percent over {dataset.images} images{interval}; weights sha256 "
        f"{record.network.weights_sha256}; dataset version {dataset.version}; seed {record.seed}",
    }
