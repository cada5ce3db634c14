"""What stops a training, and faults of the machine: one sentence each, with the batch or the state kept."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from small_training import train
from torch.utils.data import DataLoader, Dataset

from hyperseg.errors import UserError
from hyperseg.training import loop
from hyperseg.training.faults import explain
from hyperseg.training.guards import Guards
from hyperseg.training.recipe import load_recipe
from hyperseg.training.step import StepOutcome

RECIPE = load_recipe("camvid_hyperseg_s", {"batch": 16, "constant_prediction_steps": 100, "gradient_bound": 10.0})
IMAGES = torch.zeros(2, 8, 8, 3, dtype=torch.uint8)
LABELS = torch.arange(2 * 64, dtype=torch.uint8).reshape(2, 8, 8) % 3


def outcome(loss: float = 1.0, norm: float = 1.0, constant: bool = False) -> StepOutcome:
    return StepOutcome(torch.tensor(loss), torch.tensor(norm), torch.tensor(constant))


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda g: g.add(6, outcome(float("nan")), IMAGES, LABELS, 0.1), "the loss became nan at learning rate 0.1"),
        (lambda g: g.add(6, outcome(norm=11.0), IMAGES, LABELS, 0.1), "the gradient's norm became 11, above"),
        (lambda g: g.check_batch(6, IMAGES, LABELS + 10), "a label holds 11, but the network has 11 classes"),
        (lambda g: g.check_batch(6, IMAGES, LABELS[:, :4]), "images 2 x 8 x 8 and labels 2 x 4 x 8 differ in size"),
    ],
)
def test_a_batch_that_must_not_go_on_is_saved(act: Callable[[Guards], object], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message) as caught:
        act(Guards(RECIPE, 11, tmp_path))
    assert "in epoch 1, step 7; " in str(caught.value)
    assert "\n" not in str(caught.value)
    assert f"(the batch is in {tmp_path / 'batch-step7.npz'})" in str(caught.value)
    with np.load(tmp_path / "batch-step7.npz") as saved:
        assert saved["images"].shape == (2, 8, 8, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["batch-step7.npz"]


def test_ignored_labels_are_no_class_outside() -> None:
    Guards(RECIPE, 11, None).check_batch(0, IMAGES, torch.full_like(LABELS, 255))


def test_a_constant_prediction_stops_after_its_steps_but_not_where_the_labels_are_constant_too() -> None:
    guards = Guards(RECIPE, 11, None)
    for step in range(0, 500, 50):
        assert guards.looks_at(step)
        guards.add(step, outcome(constant=True), IMAGES, torch.ones_like(LABELS), 0.1)
    for step in range(500, 600, 50):
        guards.add(step, outcome(constant=True), IMAGES, LABELS, 0.1)
    with pytest.raises(UserError, match="one class alone has been predicted since step 501"):
        guards.add(600, outcome(constant=True), IMAGES, LABELS, 0.1)
    assert not Guards(load_recipe("camvid_hyperseg_s", {"constant_prediction_steps": None}), 11, None).looks_at(0)


def test_a_diverging_training_stops_with_its_batch(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"the gradient's norm became .*, above training\.gradient_bound 1e-06"):
        train(tiny, tmp_path / "bound", gradient_bound="1.0e-6")
    monkeypatch.setattr(loop, "learning_rate", lambda recipe, step: 1e30)
    with pytest.raises(UserError, match=r"the loss became (nan|inf) .* in epoch 1, step 2; lower training\.learning_r"):
        train(tiny, tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["batch-step2.npz"]


@pytest.mark.parametrize("kept", [{}, {"ema_decay": "0.9"}])
def test_a_training_that_diverges_in_its_last_update_leaves_nothing(
    kept: dict[str, str], tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "learning_rate", lambda recipe, step: 1e300)
    with pytest.raises(UserError, match=r"^the training diverged: \S+ of the weights .* lower training\.learning_rate"):
        train(tiny, tmp_path / "run", epochs="1", images_per_epoch="2", **kept)
    assert not (tmp_path / "run").exists()


def test_out_of_memory_names_parts_that_keep_the_recipe() -> None:
    fault = explain(torch.OutOfMemoryError("CUDA out of memory"), RECIPE, 2)
    assert "memory ran out in step 3 at batch 16; set training.accumulate to 2" in str(fault)
    smallest = load_recipe("camvid_hyperseg_s", {"batch": 2, "accumulate": 2})
    assert "set a smaller training.crop_hw" in str(explain(MemoryError(), smallest, 0))
    real = None
    try:
        torch.empty(1 << 60, dtype=torch.uint8)
    except RuntimeError as error:
        real = explain(error, RECIPE, 0)
    assert "memory ran out in step 1" in str(real)


def test_a_lost_gpu_names_the_step_and_the_way_on() -> None:
    lost = torch.AcceleratorError("CUDA error: unspecified launch failure\nFor debugging consider")
    said = str(explain(lost, RECIPE, 6))
    assert said.startswith("the GPU failed in step 7 (CUDA error: unspecified launch failure); see `nvidia-smi`")
    assert said.endswith("the same command goes on from the last checkpoint")


class Failing(Dataset[int]):
    def __init__(self, fail: Callable[[], None]) -> None:
        self.fail = fail

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> int:
        self.fail()
        return index


def damaged() -> None:
    raise UserError("cannot read image a.png: truncated; run `hyperseg data verify`")


@pytest.mark.parametrize(
    ("fail", "said"),
    [
        (damaged, "cannot read image a.png: truncated; run `hyperseg data verify`"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "a loading process was killed before step 8"),
        (lambda: os._exit(1), "a loading process was killed before step 8"),
        (lambda: os.kill(os.getpid(), signal.SIGBUS), "the loading processes ran out of shared memory: /dev/shm"),
    ],
    ids=["damaged picture", "killed", "gone", "shared memory"],
)
def test_faults_of_loading_processes_are_one_sentence(fail: Callable[[], None], said: str) -> None:
    with pytest.raises((RuntimeError, UserError)) as caught:
        list(DataLoader(Failing(fail), num_workers=1))
    fault = explain(caught.value, RECIPE, 7)
    assert str(fault).startswith(said)
    assert "\n" not in str(fault)


def test_an_unknown_error_stays_what_it_is() -> None:
    assert explain(RuntimeError("shape '[2]' is invalid"), RECIPE, 0) is None
