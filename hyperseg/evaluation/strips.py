"""Which images are worth a picture, and the list of those that were made: OUT/strips.csv."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from hyperseg.csv_text import inert
from hyperseg.data.prepared import PreparedDataset
from hyperseg.errors import UserError
from hyperseg.evaluation.confusion import confusion_matrix
from hyperseg.files import sha256_file, write_text_atomic
from hyperseg.records import EvaluationNumbers, read_record
from hyperseg.records.raw import read_matrices
from hyperseg.records.scores import mean_iou

COLUMNS = (
    "file", "sha256", "image", "miou_percent", "weights_sha256", "dataset", "version", "split", "protocol", "input",
)  # fmt: skip


STRIPS_FILE = "strips.csv"


@dataclass(frozen=True)
class Strip:
    """One picture that was made, and its image's mIoU."""

    path: Path
    image: str
    miou_percent: float


def by_score(record: Path, weights: Path, count: int) -> tuple[str, ...]:
    """Names of the images with the lowest and the highest mIoU of an evaluation, `count` together, the worst first.

    Raises :class:`UserError` for a record of other weights or one whose matrices of single images were not kept.
    """
    found = read_record(record)
    numbers = found.numbers
    if not isinstance(numbers, EvaluationNumbers) or found.dataset is None:
        raise UserError(f"{record} is no evaluation; give the record of `hyperseg evaluate`")
    if found.network.weights_sha256 != sha256_file(weights):
        raise UserError(f"{record} scored other weights than {weights}; give the weights that it names")
    matrices = record.parent / numbers.matrices_file if numbers.matrices_file else None
    if matrices is None or not matrices.is_file():
        raise UserError(f"the images' matrices are not beside {record}; run `hyperseg evaluate` again")
    per_image = read_matrices(matrices, found.dataset.images, len(numbers.classes))
    with np.load(matrices, allow_pickle=False) as content:
        names = [str(name) for name in content["images"]]
    order = np.argsort(mean_iou(per_image, numbers.absent_classes), kind="stable")
    half = min(count, len(order)) // 2
    worst = min(count, len(order)) - half
    return tuple(names[index] for index in (*order[:worst], *order[len(order) - half :]))


def image_iou(label: np.ndarray, prediction: np.ndarray, classes: int) -> float:
    """Mean IoU in percent over the classes in one image's truth or prediction; pixels of no class do not count."""
    matrix = confusion_matrix(torch.from_numpy(prediction), torch.from_numpy(label), classes)
    return 100 * float(mean_iou(matrix, "left_out"))


def check_own(out: Path, files: Sequence[str]) -> None:
    """Raise UserError where one of `files` is in `out` and is not what an earlier list there says was made there."""
    listed: dict[str, str] = {}
    table = out / STRIPS_FILE
    if table.is_file():
        with table.open(encoding="utf-8", errors="replace", newline="") as file:
            rows = csv.DictReader(file)
            if tuple(rows.fieldnames or ()) != COLUMNS:
                raise UserError(f"{table} is no list of `hyperseg overlay`; choose another --out")
            listed = {row["file"]: row["sha256"] for row in rows}
    for name in files:
        path = out / name
        if path.exists() and not (path.is_file() and sha256_file(path) == listed.get(inert(name))):
            raise UserError(f"{path} is there and was not made by `hyperseg overlay`; choose another --out")


def write_strips(
    out: Path, strips: Sequence[Strip], weights: Path, dataset: PreparedDataset, split: str, protocol: str,
    input_hw: tuple[int, int],
) -> None:  # fmt: skip
    """Write OUT/strips.csv: a row per picture with what it shows and the hashes of what it was made from."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    shared = (
        sha256_file(weights), dataset.info.id, dataset.version, split, protocol, f"{input_hw[0]}x{input_hw[1]}",
    )  # fmt: skip
    for strip in strips:
        names = inert(strip.path.name), sha256_file(strip.path), inert(strip.image)
        rows.writerow((*names, repr(strip.miou_percent), *shared))
    write_text_atomic(out / STRIPS_FILE, text.getvalue())
