"""An evaluation of four images with their matrices beside it, and strips of two of them."""

import json
from pathlib import Path

import numpy as np
from PIL import Image
from record_content import content

from hyperseg.files import sha256_file
from hyperseg.records import Record, read_record
from hyperseg.records.raw import write_matrices
from hyperseg.records.scores import bootstrap_interval
from hyperseg.records.strips import STRIPS_FILE, Strip, evaluation_key, list_text

PER_IMAGE = np.array([[[3, 1], [0, 2]], [[1, 0], [1, 1]], [[1, 1], [0, 2]], [[1, 0], [1, 1]]])
NAMES = ["a", "b", "c", "d"]


def write_scored(folder: Path) -> Path:
    """Write the evaluation as record.json and record.npz; returns the record's path."""
    record = content("evaluation")
    sha256 = write_matrices(folder / "record.npz", PER_IMAGE, NAMES)
    interval = bootstrap_interval(PER_IMAGE, "zero")
    assert interval is not None
    record["numbers"] = record["numbers"] | {
        "matrices_file": "record.npz", "matrices_sha256": sha256, "miou_interval": interval.model_dump(),
    }  # fmt: skip
    record["schema_version"] = 2
    (folder / "record.json").write_text(json.dumps(record))
    return folder / "record.json"


def write_strips(folder: Path) -> Record:
    """Write the evaluation, and below it a list of two pictures: image b with its 50 %, image a with its 70.8 %."""
    (folder / "strips").mkdir(parents=True)
    record = read_record(write_scored(folder))
    key = evaluation_key(record)
    assert key is not None
    assert record.dataset is not None
    weights, version, split, protocol, size = key
    strips = []
    for number, (image, score) in enumerate((("b", 50.0), ("a", 100 * (3 / 4 + 2 / 3) / 2)), start=1):
        path = folder / f"strips/s-{number}.png"
        Image.new("RGB", (8, 6), (100 * number, 0, 0)).save(path)
        made = (weights, record.dataset.id, version, split, protocol, size)
        strips.append(Strip(path.name, sha256_file(path), image, score, *made))
    (folder / "strips" / STRIPS_FILE).write_text(list_text(strips))
    return record
