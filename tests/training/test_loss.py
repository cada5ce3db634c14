"""The losses against the published definition, written out with a sort, and the published first losses."""

import pytest
import torch

from hyperseg.training.loss import bootstrapped_cross_entropy, cross_entropy, without_waiting


def sorted_definition(logits: torch.Tensor, target: torch.Tensor, k: int, threshold: float) -> torch.Tensor:
    """Per image: sort; keep what exceeds the threshold if the (k+1)-th does, else the k largest; mean of the means."""
    means = []
    for image, labels in zip(logits, target, strict=True):
        log_p = image.double().log_softmax(0)
        valid = labels != 255
        picked = log_p.gather(0, labels.where(valid, torch.zeros_like(labels))[None])[0]
        losses = torch.where(valid, -picked, torch.zeros_like(picked)).flatten().sort(descending=True).values
        kept = losses[losses > threshold] if losses[k] > threshold else losses[:k]
        means.append(kept.mean())
    return torch.stack(means).mean()


@pytest.mark.parametrize("k", [5, 100, 900])
@pytest.mark.parametrize("threshold", [0.0, 0.3, 2.0])
def test_bootstrapped_equals_its_definition(k: int, threshold: float) -> None:
    generator = torch.Generator().manual_seed(k)
    logits = 3 * torch.randn(3, 6, 32, 30, generator=generator)
    target = torch.randint(0, 6, (3, 32, 30), generator=generator)
    target[0, :20] = 255
    target[1] = 255  # nothing to learn from: counts 0
    ours = bootstrapped_cross_entropy(logits, target, k, threshold)
    expected = sorted_definition(logits, target, k, threshold)
    torch.testing.assert_close(ours.double(), expected, atol=1e-5, rtol=0)
    losses = torch.nn.functional.cross_entropy(logits, target, ignore_index=255, reduction="none").flatten(1)
    torch.testing.assert_close(without_waiting(losses, losses, k, threshold).double(), expected, atol=1e-5, rtol=0)


def test_a_smoothed_label_gives_its_share_to_all_classes_alike() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 5, 6, 7, generator=generator)
    target = torch.randint(0, 5, (2, 6, 7), generator=generator)
    target[0, 0] = 255
    wanted = torch.nn.functional.one_hot(target.where(target != 255, 0), 5).movedim(-1, 1) * 0.9 + 0.1 / 5
    losses = -(wanted * logits.log_softmax(1)).sum(1) * (target != 255)
    ours = cross_entropy(logits, target, label_smoothing=0.1)
    torch.testing.assert_close(ours, losses.sum() / (target != 255).sum())
    plain = torch.nn.functional.cross_entropy(logits, target, ignore_index=255, reduction="none").flatten(1)
    chosen = [losses.flatten(1)[image][plain[image].topk(10).indices].mean() for image in (0, 1)]
    hard = bootstrapped_cross_entropy(logits, target, k=10, threshold=99, label_smoothing=0.1)
    torch.testing.assert_close(hard, torch.stack(chosen).mean())
    smoothed = losses.flatten(1)
    torch.testing.assert_close(without_waiting(plain, smoothed, 10, 99), hard)
    over = bootstrapped_cross_entropy(logits, target, k=10, threshold=0.3, label_smoothing=0.1)
    torch.testing.assert_close(
        over, torch.stack([v[p > 0.3].mean() for v, p in zip(smoothed, plain, strict=True)]).mean()
    )


def test_only_kept_pixels_get_a_gradient() -> None:
    logits = torch.zeros(1, 2, 4, 8)
    logits[0, 0, :, :4] = 8.0  # easy where the target is 0
    logits.requires_grad_()
    bootstrapped_cross_entropy(logits, torch.zeros(1, 4, 8, dtype=torch.long), k=3).backward()
    assert logits.grad is not None
    assert (logits.grad[0, :, :, :4] == 0).all()
    assert (logits.grad[0, :, :, 4:] != 0).all()


def test_both_ways_give_the_same_gradient() -> None:
    losses = torch.rand(4, 500, generator=torch.Generator().manual_seed(0)) * torch.tensor([[0.1], [0.5], [1.0], [9.0]])
    gradients = []
    for count_first in (False, True):
        x = losses.clone().requires_grad_()
        means = [
            (one * (one > 0.3)).sum() / (one > 0.3).sum() if (one > 0.3).sum() > 40 else one.topk(40).values.mean()
            for one in x
        ]
        (torch.stack(means).mean() if count_first else without_waiting(x, x, 40, 0.3)).backward()
        gradients.append(x.grad)
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("k", [16, 17, 4096])
def test_an_image_of_no_more_than_k_pixels_keeps_them_all(k: int) -> None:
    logits, target = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)), torch.ones(2, 4, 4).long()
    expected = torch.nn.functional.cross_entropy(logits, target)
    torch.testing.assert_close(bootstrapped_cross_entropy(logits, target, k), expected)


def test_cross_entropy_is_the_mean_over_counted_pixels_and_zero_without_any() -> None:
    logits = torch.randn(2, 5, 6, 6, generator=torch.Generator().manual_seed(1), requires_grad=True)
    target = torch.randint(0, 5, (2, 6, 6), generator=torch.Generator().manual_seed(2))
    target[0, :3] = 255
    torch.testing.assert_close(
        cross_entropy(logits, target), torch.nn.functional.cross_entropy(logits, target, ignore_index=255)
    )
    nothing = cross_entropy(logits, torch.full_like(target, 255))
    assert nothing.item() == 0
