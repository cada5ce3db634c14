"""Two processes under torchrun: the loss curve of one, and a training that goes on with another number of them.

What they compute is compared in float64. In float32 two orders of the same sums come no closer than rounding lets
them, and on so small an input that grows: batch norm divides by the deviation of few values, activations have kinks,
and Adam's first steps have the sign of a gradient, also of one that is a rounding error. Measured with one process,
channels last or not: 1e-6 in the first loss, 2 % in the gradients, and up to 1e-3 in the losses of four steps at this
learning rate (7e-2 at the recipe's 1e-3). The same growth leaves 1e-12 in float64.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import two_processes
from small_training import arguments, train

from hyperseg.data.loading import EpochBatches
from hyperseg.errors import UserError
from hyperseg.records import read_record
from hyperseg.records.schema import TrainingNumbers
from hyperseg.training.parallel import Processes

PLAIN = {  # an epoch is one step, so that the record holds the loss of each
    "batch": "4", "images_per_epoch": "4", "epochs": "4", "stochastic_depth": "0", "dropout": "0",
    "learning_rate": "1.0e-5",
}  # fmt: skip
TRAININGS = {
    "hard pixels": (PLAIN | {"loss": "bootstrapped_cross_entropy"}, "float64"),
    "all pixels": (PLAIN | {"loss": "cross_entropy", "epochs": "2"}, "float64"),
    "float32": (PLAIN, "float32"),
}
BIN = Path(sys.executable).parent
LOSS = 5e-7  # the loss is float32 in any case, whose values near 2 are 2.4e-7 apart


def torchrun(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *words]
    paths = [str(Path(two_processes.__file__).parent), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[:3000]
    return done


@pytest.fixture(scope="module")
def alone(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with each training in one process."""
    out = tmp_path_factory.mktemp("alone")
    for name, (changes, dtype) in TRAININGS.items():
        two_processes.train(tiny, out / name, changes, dtype)
    return out


@pytest.fixture(scope="module")
def in_two(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the same in two processes, and the gradients of a step."""
    out = tmp_path_factory.mktemp("in_two")
    torchrun(two_processes.__file__, str(tiny), str(out), json.dumps(TRAININGS))
    return out


def losses(folder: Path) -> list[float]:
    numbers = read_record(folder / "train.json").numbers
    assert isinstance(numbers, TrainingNumbers)
    return [point.loss for point in numbers.epochs]


def distance(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> float:
    """Of the gradients, relative to those of `b`."""
    names = [name for name in b if name.startswith("gradient of ")]
    apart = torch.stack([(a[name].double() - b[name].double()).norm() for name in names]).norm()
    return float(apart / torch.stack([b[name].double().norm() for name in names]).norm())


@pytest.mark.slow
def test_loss_gradients_and_batch_statistics_are_those_of_one_process(in_two: Path) -> None:
    exact = two_processes.gradients(Processes(), torch.float64)
    two = torch.load(in_two / "torch.float64.pt")
    assert exact.keys() == two.keys()
    for name, tensor in exact.items():
        torch.testing.assert_close(two[name], tensor, rtol=1e-8, atol=1e-10, msg=lambda text, name=name: name + text)

    one, two = two_processes.gradients(Processes(), torch.float32), torch.load(in_two / "torch.float32.pt")
    assert two["loss"].item() == pytest.approx(exact["loss"].item(), rel=1e-5)
    assert distance(two, exact) < 2 * distance(one, exact)  # no more rounding than one process has


@pytest.mark.slow
@pytest.mark.parametrize("training", ["hard pixels", "all pixels"])
def test_two_processes_give_the_loss_curve_of_one(training: str, alone: Path, in_two: Path) -> None:
    assert read_record(in_two / training / "train.json").config["processes"] == 2
    assert losses(in_two / training) == pytest.approx(losses(alone / training), abs=LOSS, rel=0)
    assert sorted(path.name for path in (in_two / training).iterdir()) == ["train.json", "weights.safetensors"]


@pytest.mark.slow
def test_in_float32_the_curves_part_no_further_than_two_orders_of_the_same_sums(alone: Path, in_two: Path) -> None:
    one, two = losses(alone / "float32"), losses(in_two / "float32")
    assert two[0] == pytest.approx(one[0], rel=1e-5)
    assert two == pytest.approx(one, abs=2e-3, rel=0)  # twice what the layout of one process changes


@pytest.mark.slow
def test_a_training_goes_on_with_another_number_of_processes(
    tiny: Path, tmp_path: Path, alone: Path, at_step: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the command line, so that it starts as a user's does; in float32, as its weights are."""

    def crash() -> None:
        raise KeyError("a crash")

    saving = PLAIN | {"checkpoint_every_steps": "1"}
    at_step(3, crash)
    with pytest.raises(KeyError):
        train(tiny, tmp_path / "broken", **saving)
    monkeypatch.undo()
    done = torchrun("--no-python", str(BIN / "hyperseg"), "train", *arguments(tiny, tmp_path / "broken", **saving))
    assert done.stderr.count("going on after step 3 of 4") == 1  # one process speaks
    assert "processes is 2, was 1" in done.stderr
    # Three of the losses are one process's own; the fourth is the first that two give, from the same weights.
    assert losses(tmp_path / "broken") == pytest.approx(losses(alone / "float32"), rel=1e-5)


def test_each_image_is_drawn_by_one_process_once() -> None:
    whole = list(EpochBatches(2, 8, 4, 1))
    shares = [list(EpochBatches(2, 8, 4, 1, (i, 2))) for i in range(2)]
    assert [a + b for a, b in zip(*shares, strict=True)] == whole


def test_a_batch_that_cannot_be_shared_is_refused(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(UserError, match=r"training\.batch 4 cannot be shared equally by 3 processes"):
        train(tiny, tmp_path / "out", **PLAIN)
