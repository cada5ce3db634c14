"""Confusion matrices in int64. Rows are ground truth, columns the prediction."""

import numpy as np
import torch
from torch import Tensor

from hyperseg.records.scores import Matrix


def confusion_matrix(prediction: Tensor, target: Tensor, classes: int) -> Matrix:
    """Pixel counts (classes, classes) of one image; target pixels of no class (>= `classes`) are not counted.

    `prediction` holds integers in 0..classes-1; both have the same shape.
    """
    target, prediction = target.flatten().long(), prediction.flatten().long()
    counted = target < classes
    cells = target[counted] * classes + prediction[counted]
    counts = torch.bincount(cells.cpu(), minlength=classes**2)  # on the CPU: CUDA's is not deterministic
    return np.asarray(counts.numpy(), np.int64).reshape(classes, classes)
