"""Confusion matrices against independent counts."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import multiclass_confusion_matrix, multiclass_jaccard_index

from hyperseg.evaluation.confusion import confusion_matrix
from hyperseg.records.scores import bootstrap_interval, class_iou, majority_matrix, mean_iou


def random_pair(classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    target = rng.integers(0, classes, (37, 41)).astype(np.uint8)
    target[rng.random(target.shape) < 0.1] = 255
    prediction = np.where(rng.random(target.shape) < 0.7, target % classes, rng.integers(0, classes, target.shape))
    return prediction, target


@pytest.mark.parametrize("seed", range(3))
def test_counts_equal_a_pixel_by_pixel_count_and_torchmetrics(seed: int) -> None:
    prediction, target = random_pair(7, seed)
    ours = confusion_matrix(torch.from_numpy(prediction), torch.from_numpy(target), 7)
    assert ours.dtype == np.int64
    counted = np.zeros((7, 7), int)
    for t, p in zip(target.flat, prediction.flat, strict=True):
        if t < 7:
            counted[t, p] += 1
    assert np.array_equal(ours, counted)
    arguments = torch.from_numpy(prediction), torch.from_numpy(target).long(), 7
    assert np.array_equal(ours, multiclass_confusion_matrix(*arguments, ignore_index=255).numpy())
    assert mean_iou(ours, "zero") == pytest.approx(
        float(multiclass_jaccard_index(*arguments, ignore_index=255)), abs=1e-6
    )


def test_counts_beyond_float32_are_exact() -> None:
    matrix = np.array([[2**40 + 1, 1], [0, 2**41 + 1]])
    assert class_iou(matrix).tolist() == pytest.approx(
        [(2**40 + 1) / (2**40 + 2), (2**41 + 1) / (2**41 + 2)], abs=1e-15
    )


def test_absent_classes_count_zero_or_not_at_all() -> None:
    matrix = np.array([[8, 2, 0], [0, 10, 0], [0, 0, 0]])
    assert np.isnan(class_iou(matrix)[2])
    assert mean_iou(matrix, "zero") == pytest.approx((8 / 10 + 10 / 12) / 3)
    assert mean_iou(matrix, "left_out") == pytest.approx((8 / 10 + 10 / 12) / 2)
    falsely_predicted = np.array([[8, 0, 2], [0, 10, 0], [0, 0, 0]])  # in the prediction, so not absent
    assert mean_iou(falsely_predicted, "left_out") == pytest.approx((8 / 10 + 1 + 0) / 3)


def test_majority_answers_one_class() -> None:
    matrix = np.array([[5, 5, 0], [1, 20, 9], [0, 0, 10]])
    answer = majority_matrix(matrix)
    assert np.array_equal(answer, [[0, 10, 0], [0, 30, 0], [0, 10, 0]])
    assert mean_iou(answer, "zero") == pytest.approx(0.6 / 3)


def test_interval_is_repeatable_holds_the_mean_and_narrows_with_images() -> None:
    rng = np.random.default_rng(0)
    images = np.stack([np.diag(rng.integers(50, 100, 4)) + rng.integers(0, 20, (4, 4)) for _ in range(100)])
    wide, narrow = bootstrap_interval(images[:10], "zero"), bootstrap_interval(images, "zero")
    assert wide is not None
    assert narrow is not None
    assert narrow == bootstrap_interval(images, "zero")
    assert narrow.low < 100 * mean_iou(images.sum(0), "zero") < narrow.high
    assert narrow.high - narrow.low < wide.high - wide.low
    assert bootstrap_interval(images[:1], "zero") is None
    same = bootstrap_interval(np.repeat(images[:1], 9, 0), "zero")
    assert same is not None
    assert same.low == pytest.approx(same.high)


def test_cityscapes_official_count() -> None:
    """The official scripts' IoU from their own matrix, over label ids, equals ours over train ids."""
    pytest.importorskip("cityscapesscripts", reason="the extra 'datasets' is not installed")
    from cityscapesscripts.evaluation import evalPixelLevelSemanticLabeling as official
    from cityscapesscripts.helpers.labels import id2label, labels, trainId2label

    rng = np.random.default_rng(5)
    truth_ids = rng.integers(0, 34, (64, 64))
    predicted = rng.integers(0, 19, (64, 64))
    truth = np.vectorize(lambda i: id2label[i].trainId if 0 <= id2label[i].trainId < 19 else 255)(truth_ids)
    predicted_ids = np.vectorize(lambda t: trainId2label[t].id)(predicted)
    official.args.evalLabels = sorted(label.id for label in labels if label.id >= 0)
    matrix = np.zeros((35, 35), np.uint64)
    np.add.at(matrix, (truth_ids, predicted_ids), 1)
    scores = [official.getIouScoreForLabel(trainId2label[t].id, matrix, official.args) for t in range(19)]
    ours = confusion_matrix(torch.from_numpy(predicted), torch.from_numpy(truth), 19)
    assert class_iou(ours).tolist() == pytest.approx(scores, abs=1e-12)
