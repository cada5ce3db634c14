"""The moving average of weights, against its recurrence written out, and where it is and is not in the network."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from small_training import train
from torch import nn

from hyperseg.errors import UserError
from hyperseg.records import TrainingNumbers, read_record
from hyperseg.training.average import WeightAverage
from hyperseg.training.checks import check_disk
from hyperseg.training.recipe import load_recipe


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
    """Near the last weights where the decay is small; the training itself is the one without an average."""
    assert train(tiny, tmp_path / "plain", epochs="1").exit_code == 0
    assert train(tiny, tmp_path / "averaged", epochs="1", ema_decay="0.1").exit_code == 0
    plain, averaged = (load_file(tmp_path / name / "weights.safetensors") for name in ("plain", "averaged"))
    assert plain.keys() == averaged.keys()
    assert any(not torch.equal(plain[name], averaged[name]) for name in plain)
    name = "backbone.conv_stem.weight"
    # two steps of Adam at the recipe's rate: the average lies a tenth of the last step away from the last weights
    distance = (plain[name] - averaged[name]).abs().max()
    assert 0 < distance < 3e-4
    records = [read_record(tmp_path / name / "train.json").numbers for name in ("plain", "averaged")]
    losses = [numbers.final_loss for numbers in records if isinstance(numbers, TrainingNumbers)]
    assert losses[0] == losses[1]


def test_the_disk_must_hold_the_average_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, plain = network(), load_recipe("camvid_hyperseg_s")
    size = sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=4 * size))
    check_disk(tmp_path, model, plain)
    with pytest.raises(UserError, match="weights and a checkpoint take"):
        check_disk(tmp_path, model, plain.model_copy(update={"ema_decay": 0.9}))
