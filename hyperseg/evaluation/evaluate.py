"""Scoring a network on a split: one confusion matrix per image, summed, and the numbers of the record."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

import numpy as np
import torch
from PIL import Image
from torch import nn

from hyperseg.data.prepared import PreparedDataset, Sample, read_image, read_label
from hyperseg.errors import UserError
from hyperseg.evaluation.confusion import (
    Matrix,
    bootstrap_interval,
    class_iou,
    confusion_matrix,
    majority_matrix,
    mean_iou,
)
from hyperseg.evaluation.predict import check_outputs, predict, scored_classes
from hyperseg.evaluation.protocol import EvaluationProtocol, Reading
from hyperseg.records import ClassIoU, EvaluationNumbers

T = TypeVar("T")


def evaluate(
    model: nn.Module,
    dataset: PreparedDataset,
    split: str,
    protocol: EvaluationProtocol,
    *,
    input_hw: tuple[int, int],
    device: torch.device,
    reading: Reading | None = None,
    live: bool = False,
) -> EvaluationNumbers:
    """Score `model` (made by ``hyperseg.create_model``) on a split; batches of one, float32.

    `input_hw` is the network's input (height, width). `reading` overrides the protocol's for the dataset. Raises
    :class:`UserError` for an unknown split, withheld labels or a network of other classes.
    """
    reading = reading or protocol.reading_of(dataset.id)
    check_outputs(int(model.num_classes), dataset, reading)  # type: ignore[arg-type]
    samples = dataset.samples(split)
    if not samples:
        raise UserError(f"split '{split}' of dataset {dataset.id} in {dataset.root} is empty; choose another")
    names = scored_classes(dataset, reading)
    was_training = model.training
    model.eval()
    torch.backends.cudnn.allow_tf32 = False
    try:
        scored = list(_matrices(model, _shown(samples, split, live), reading, input_hw, len(names), device))
    finally:
        model.train(was_training)
    return summarize(
        np.stack([matrix for matrix, _ in scored]),
        names,
        protocol,
        ignored_pixels=sum(ignored for _, ignored in scored),
        input_hw=input_hw,
        device=device.type,
    )


def _matrices(
    model: nn.Module,
    samples: Iterable[Sample],
    reading: Reading,
    input_hw: tuple[int, int],
    classes: int,
    device: torch.device,
) -> Iterator[tuple[Matrix, int]]:
    """Per image: its confusion matrix and the number of its label's pixels that are not counted."""
    for sample in samples:
        values = read_label(sample, reading.void)
        if reading.geometry == "resize_both":
            values = np.array(Image.fromarray(values).resize(input_hw[::-1], Image.Resampling.NEAREST))
        label = torch.from_numpy(values)
        hw = label.shape[0], label.shape[1]
        prediction = predict(model, read_image(sample), hw, reading, input_hw, classes, device)
        matrix = confusion_matrix(prediction, label.to(device), classes)
        yield matrix, label.numel() - int(matrix.sum())


def summarize(
    per_image: Matrix,
    names: list[str],
    protocol: EvaluationProtocol,
    *,
    ignored_pixels: int,
    input_hw: tuple[int, int],
    device: str,
) -> EvaluationNumbers:
    """The record's numbers from matrices (N, C, C) of N images."""
    matrix: Matrix = per_image.sum(0)
    counted = int(matrix.sum())
    if counted == 0:
        raise UserError(
            "no pixel of the split has a class to score; check the dataset's labels with `hyperseg data show`"
        )
    absent = protocol.absent_classes
    return EvaluationNumbers(
        miou_percent=100 * float(mean_iou(matrix, absent)),
        miou_interval=bootstrap_interval(per_image, absent),
        majority_miou_percent=100 * float(mean_iou(majority_matrix(matrix), absent)),
        pixel_accuracy_percent=100 * int(np.trace(matrix)) / counted,
        absent_classes=absent,
        classes=[
            ClassIoU(name=name, iou_percent=None if np.isnan(iou) else 100 * float(iou), pixels=int(pixels))
            for name, iou, pixels in zip(names, class_iou(matrix), matrix.sum(1), strict=True)
        ],
        confusion_matrix=matrix.tolist(),
        ignored_pixels=ignored_pixels,
        input_height=input_hw[0],
        input_width=input_hw[1],
        device=device,
    )


def _shown(items: list[T], split: str, live: bool) -> Iterable[T]:
    if not live:
        return items
    from rich.console import Console
    from rich.progress import track

    return track(items, description=f"evaluate {split}", console=Console(stderr=True), transient=True)
