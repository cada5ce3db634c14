"""Scores from confusion matrices. Rows are ground truth, columns the prediction, in pixels. Imports no torch."""

import numpy as np
import numpy.typing as npt

from hyperseg.records.schema import Interval

Matrix = npt.NDArray[np.int64]


def class_iou(matrix: Matrix) -> npt.NDArray[np.float64]:
    """Intersection over union per class, in 0..1; NaN where a class is in neither truth nor prediction.

    `matrix` is (..., C, C), the result (..., C).
    """
    hits = np.diagonal(matrix, axis1=-2, axis2=-1).astype(np.float64)
    union = matrix.sum(-1) + matrix.sum(-2) - hits
    return np.divide(hits, union, out=np.full_like(hits, np.nan), where=union > 0)


def mean_iou(matrix: Matrix, absent: str) -> npt.NDArray[np.float64]:
    """Mean over classes, in 0..1, of (..., C, C) matrices. An absent class counts 0 ("zero") or not ("left_out")."""
    iou = class_iou(matrix)
    if absent == "zero":
        return np.asarray(np.nan_to_num(iou).mean(-1))
    present = ~np.isnan(iou)
    return np.asarray(np.nan_to_num(iou).sum(-1) / np.maximum(present.sum(-1), 1))


def majority_matrix(matrix: Matrix) -> Matrix:
    """The matrix that answering the most frequent true class everywhere would get on the same images."""
    answer: Matrix = np.zeros_like(matrix)
    answer[:, matrix.sum(1).argmax()] = matrix.sum(1)
    return answer


def pixel_accuracy(matrix: Matrix) -> float:
    """Share of the counted pixels that got their true class, in 0..1."""
    return int(np.trace(matrix)) / int(matrix.sum())


def bootstrap_interval(per_image: Matrix, absent: str) -> Interval | None:
    """95 % percentile interval of mean IoU in percent, resampling whole images; None below two images.

    `per_image` is (N, C, C). The seed is fixed, so the same matrices give the same interval.
    """
    resamples, level, seed = 1000, 0.95, 0
    images = len(per_image)
    if images < 2:
        return None
    rng = np.random.default_rng(seed)
    drawn = np.stack([np.bincount(rng.integers(images, size=images), minlength=images) for _ in range(resamples)])
    flat = per_image.reshape(images, -1).astype(np.float64)  # exact: counts stay far below 2**53
    resampled = (drawn @ flat).reshape(resamples, *per_image.shape[1:]).astype(np.int64)
    low, high = np.percentile(100 * mean_iou(resampled, absent), [50 * (1 - level), 50 * (1 + level)])
    method = f"percentile bootstrap over images, {resamples} resamples, seed {seed}"
    return Interval(low=float(low), high=float(high), level=level, method=method)
