"""The moving average of weights, against its recurrence written out, and where it is and is not in the network."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small_training import train
from torch import nn

from hyperseg.training.average import WeightAverage


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))


def test_average_is_the_recurrence_with_a_smaller_decay_in_the_first_steps() -> None:
    model = network()
    average = WeightAverage(model, 0.25)
    weight, running, expected = model[0].weight, model[1].running_mean, []
    assert isinstance(running, torch.Tensor)
    for tensor in (weight, running):
        expected.append(tensor.detach().double().clone())
    for step in range(1, 6):
        with torch.no_grad():
            weight += step
        model(torch.randn(2, 1, 3, 3))  # moves the running mean and counts a batch
        average.update(model, step)
        decay = min(0.25, (1 + step) / (10 + step))
        now = [tensor.detach().double() for tensor in (weight, running)]
        expected = [decay * old + (1 - decay) * new for old, new in zip(expected, now, strict=True)]
    torch.testing.assert_close(average.tensors["0.weight"].double(), expected[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(average.tensors["1.running_mean"].double(), expected[1], atol=1e-6, rtol=0)
    assert average.tensors["1.num_batches_tracked"] == 5


def test_the_network_has_the_average_only_within() -> None:
    model = network()
    average = WeightAverage(model, 0.9)
    before = model[0].weight.detach().clone()
    with torch.no_grad():
        model[0].weight += 1
    seen = []

    def stopped() -> None:
        with average.in_place(model):
            seen.append(model[0].weight.detach().clone())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert torch.equal(seen[0], before)
    assert torch.equal(model[0].weight, before + 1)


def test_the_weights_that_are_kept_are_the_average(tiny: Path, tmp_path: Path) -> None:
    """A decay near 1 hardly moves from the first weights; the losses are those of the training without an average."""
    assert train(tiny, tmp_path / "plain", epochs="1").exit_code == 0
    assert train(tiny, tmp_path / "averaged", epochs="1", ema_decay="0.1").exit_code == 0
    plain, averaged = (load_file(tmp_path / name / "weights.safetensors") for name in ("plain", "averaged"))
    assert plain.keys() == averaged.keys()
    assert any(not torch.equal(plain[name], averaged[name]) for name in plain)
    name = "backbone.conv_stem.weight"
    # two steps of Adam at the recipe's rate: the average lies a tenth of the last step away from the last weights
    distance = (plain[name] - averaged[name]).abs().max()
    assert 0 < distance < 3e-4
