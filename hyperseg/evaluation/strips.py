"""Chooses the images to draw, and protects other files of the folder."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from hyperseg.errors import UserError
from hyperseg.evaluation.confusion import confusion_matrix
from hyperseg.files import sha256_file
from hyperseg.records import EvaluationNumbers, read_record
from hyperseg.records.raw import read_matrices
from hyperseg.records.scores import mean_iou
from hyperseg.records.strips import STRIPS_FILE, image_names, read_strips


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
    names = image_names(matrices)
    order = np.argsort(mean_iou(per_image, numbers.absent_classes), kind="stable")
    half = min(count, len(order)) // 2
    worst = min(count, len(order)) - half
    return tuple(names[index] for index in (*order[:worst], *order[len(order) - half :]))


def image_iou(label: np.ndarray, prediction: np.ndarray, classes: int) -> float:
    """Mean IoU in percent of one (H, W) image over the classes in label or prediction; ignored pixels do not count."""
    matrix = confusion_matrix(torch.from_numpy(prediction), torch.from_numpy(label), classes)
    return 100 * float(mean_iou(matrix, "left_out"))


def check_own(out: Path, files: Sequence[str]) -> None:
    """Raise UserError where one of `files` is in `out` and is not what an earlier list there says was made there."""
    table = out / STRIPS_FILE
    listed = {strip.file: strip.sha256 for strip in read_strips(table)} if table.is_file() else {}
    for name in files:
        path = out / name
        if path.exists() and not (path.is_file() and sha256_file(path) == listed.get(name)):
            raise UserError(f"{path} is there and was not made by `hyperseg overlay`; choose another --out")
