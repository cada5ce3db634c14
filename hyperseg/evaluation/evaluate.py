"""Scoring a network on a split: one confusion matrix per image, summed, and the numbers of the record."""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.progress import track
from torch import nn

from hyperseg.data.prepared import PreparedDataset, read_image, read_label
from hyperseg.data.reading import Reading
from hyperseg.errors import UserError
from hyperseg.evaluation.confusion import confusion_matrix
from hyperseg.evaluation.predict import check_outputs, predict, scored_classes
from hyperseg.evaluation.protocol import EvaluationProtocol
from hyperseg.records import ClassIoU, EvaluationNumbers
from hyperseg.records.scores import Matrix, bootstrap_interval, class_iou, majority_matrix, mean_iou, pixel_accuracy


def evaluate(
    model: nn.Module,
    dataset: PreparedDataset,
    split: str,
    protocol: EvaluationProtocol,
    *,
    input_hw: tuple[int, int],
    device: torch.device,
    reading: Reading | None = None,
) -> EvaluationNumbers:
    """Score `model` (made by ``hyperseg.create_model``) on a split; batches of one, float32.

    `input_hw` is the network's input (height, width). `reading` overrides the protocol's for the dataset. Raises
    :class:`UserError` for an unknown split, withheld labels or a network of other classes.
    """
    reading = reading or protocol.reading_of(dataset.id)
    scored = score_images(model, dataset, split, reading, input_hw=input_hw, device=device)
    return summarize(scored, protocol, input_hw=input_hw, device=device.type)


@dataclass(frozen=True)
class Scored:
    """The images of a split in order, with each one's confusion matrix."""

    images: list[str]  # names without a suffix
    matrices: Matrix  # (N, C, C), pixels
    ignored_pixels: int
    classes: list[str]


def score_images(
    model: nn.Module,
    dataset: PreparedDataset,
    split: str,
    reading: Reading,
    *,
    input_hw: tuple[int, int],
    device: torch.device,
    live: bool = False,
) -> Scored:
    """One confusion matrix per image of a split, under one reading of the dataset. Raises as :func:`evaluate`."""
    check_outputs(int(model.num_classes), dataset)  # type: ignore[arg-type]
    samples = dataset.samples(split)
    if not samples:
        raise UserError(f"split '{split}' of dataset {dataset.id} in {dataset.root} is empty; choose another")
    names = [entry.name for entry in scored_classes(dataset, reading)]
    shown = track(samples, f"evaluate {split}", console=Console(stderr=True), transient=True, disable=not live)
    matrices, pixels = [], 0
    was_training = model.training
    model.eval()
    try:
        for sample in shown:
            values = read_label(sample, reading.void)
            if reading.geometry == "resize_both":
                values = np.array(Image.fromarray(values).resize(input_hw[::-1], Image.Resampling.NEAREST))
            label = torch.from_numpy(values)
            hw = label.shape[0], label.shape[1]
            prediction = predict(model, read_image(sample), hw, reading, input_hw, len(names), device)
            matrices.append(confusion_matrix(prediction, label.to(device), len(names)))
            pixels += label.numel()
    finally:
        model.train(was_training)
    counted = np.stack(matrices)
    return Scored([sample.name for sample in samples], counted, pixels - int(counted.sum()), names)


def summarize(
    scored: Scored, protocol: EvaluationProtocol, *, input_hw: tuple[int, int], device: str
) -> EvaluationNumbers:
    """The record's numbers from the images' matrices."""
    matrix: Matrix = scored.matrices.sum(0)
    if not matrix.any():
        raise UserError(
            "no pixel of the split has a class to score; check the dataset's labels with `hyperseg data show`"
        )
    absent = protocol.absent_classes
    return EvaluationNumbers(
        miou_percent=100 * float(mean_iou(matrix, absent)),
        miou_interval=bootstrap_interval(scored.matrices, absent),
        majority_miou_percent=100 * float(mean_iou(majority_matrix(matrix), absent)),
        pixel_accuracy_percent=100 * pixel_accuracy(matrix),
        absent_classes=absent,
        classes=[
            ClassIoU(name=name, iou_percent=None if np.isnan(iou) else 100 * float(iou), pixels=int(pixels))
            for name, iou, pixels in zip(scored.classes, class_iou(matrix), matrix.sum(1), strict=True)
        ],
        confusion_matrix=matrix.tolist(),
        ignored_pixels=scored.ignored_pixels,
        input_height=input_hw[0],
        input_width=input_hw[1],
        device=device,
    )
