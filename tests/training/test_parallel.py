"""Two processes under torchrun: the loss curve of one, and a training that goes on with another number of them."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from small_training import arguments, train

from hyperseg.data.loading import EpochBatches
from hyperseg.errors import UserError
from hyperseg.records import Record, read_record
from hyperseg.records.schema import TrainingNumbers
from hyperseg.training.parallel import Processes

pytestmark = pytest.mark.long
START = "from hyperseg.cli import main; main()"
PLAIN = {
    "batch": "4", "images_per_epoch": "8", "stochastic_depth": "0", "dropout": "0", "checkpoint_every_steps": "1",
    "learning_rate": "1.0e-5",  # Adam's first steps have the sign of gradients, of those that are rounding errors too
}  # fmt: skip


def torchrun(script: Path, code: str, *words: str) -> subprocess.CompletedProcess[str]:
    script.write_text(code)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    return subprocess.run([*command, *words], check=False, capture_output=True, text=True, env=os.environ)


def train_in_two(data: Path, out: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    return torchrun(out.parent / "start.py", START, "train", *arguments(data, out, **PLAIN | changes))


GRADIENTS = """
import sys, torch
from contextlib import nullcontext
from hyperseg.models import create_model
from hyperseg.training.loss import bootstrapped_cross_entropy
from hyperseg.training.parallel import SynchronizedBatchNorm, distribute, processes

def gradients(among):
    torch.manual_seed(0)
    images = torch.randn(4, 3, 128, 128, dtype=torch.float64)
    labels = torch.randint(0, 4, (4, 128, 128))
    model = create_model("camvid_hyperseg_s", num_classes=4, backbone="tf_efficientnet_lite0", stochastic_depth=0.0,
                         dropout=0.0).double().train()
    part = 4 // among.count
    mine = slice(among.rank * part, (among.rank + 1) * part)
    stepped = distribute(model, among)  # held: backward asks it
    with SynchronizedBatchNorm() if among.count > 1 else nullcontext():
        loss = bootstrapped_cross_entropy(stepped(images[mine]), labels[mine])
    loss.backward()
    found = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    statistics = {name: b for name, b in model.named_buffers() if b.is_floating_point()}
    return {"loss": among.mean(loss.detach())} | found | statistics

if __name__ == "__main__":
    with processes(torch.device("cpu")) as among:
        found = gradients(among)
        if among.writes:
            torch.save(found, sys.argv[1])
"""


@pytest.mark.slow
def test_loss_gradients_and_batch_statistics_are_those_of_one_process(tmp_path: Path) -> None:
    """In float64, where rounding plays no part."""
    done = torchrun(tmp_path / "gradients.py", GRADIENTS, str(tmp_path / "two.pt"))
    assert done.returncode == 0, done.stderr[:3000]
    alone: dict = {}
    exec(compile(GRADIENTS, "gradients", "exec"), alone)
    one, two = alone["gradients"](Processes()), torch.load(tmp_path / "two.pt")
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=1e-8, atol=1e-10, msg=lambda text, name=name: name + text)


def losses(record: Record) -> list[float]:
    assert isinstance(record.numbers, TrainingNumbers)
    return [point.loss for point in record.numbers.epochs]


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["bootstrapped_cross_entropy", "cross_entropy"])
def test_two_processes_give_the_loss_curve_of_one(loss: str, tiny: Path, tmp_path: Path) -> None:
    """To what float32 leaves of it: on so small an input batch norm amplifies rounding, and Adam its signs."""
    one, two = tmp_path / "one", tmp_path / "two"
    assert train(tiny, one, **PLAIN, loss=loss).exit_code == 0
    done = train_in_two(tiny, two, loss=loss)
    assert done.returncode == 0, done.stderr[:3000]
    record = read_record(two / "train.json")
    assert record.config["processes"] == 2
    assert losses(record) == pytest.approx(losses(read_record(one / "train.json")), abs=2e-3)
    assert sorted(path.name for path in two.iterdir()) == ["train.json", "weights.safetensors"]


@pytest.mark.slow
def test_a_training_goes_on_with_another_number_of_processes(
    tiny: Path, tmp_path: Path, at_step: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert train(tiny, whole, **PLAIN).exit_code == 0

    def crash() -> None:
        raise KeyError("a crash")

    at_step(3, crash)
    with pytest.raises(KeyError):
        train(tiny, broken, **PLAIN)
    monkeypatch.undo()
    done = train_in_two(tiny, broken)
    assert done.returncode == 0, done.stderr[:3000]
    assert done.stderr.count("going on after step 3 of 4") == 1  # one process speaks
    assert "processes is 2, was 1" in done.stderr
    assert losses(read_record(broken / "train.json")) == pytest.approx(
        losses(read_record(whole / "train.json")), abs=2e-3
    )


def test_each_image_is_drawn_by_one_process_once() -> None:
    whole = list(EpochBatches(2, 8, 4, 1))
    shares = [list(EpochBatches(2, 8, 4, 1, (i, 2))) for i in range(2)]
    assert [a + b for a, b in zip(*shares, strict=True)] == whole


def test_a_batch_that_cannot_be_shared_is_refused(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(UserError, match=r"training\.batch 4 cannot be shared equally by 3 processes"):
        train(tiny, tmp_path / "out", **PLAIN)
