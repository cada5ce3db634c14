"""Trainings that were stopped at any moment: the same command gives the weights and the log of an undisturbed one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from small_training import arguments, train

from hyperseg.errors import UserError
from hyperseg.files import sha256_file
from hyperseg.records import Record, read_record
from hyperseg.records.schema import TrainingNumbers
from hyperseg.training.checkpoint import Checkpoint
from hyperseg.training.folder import output_folder
from hyperseg.training.state import TrainingState

OFTEN = {
    "checkpoint_every_steps": "1", "images_per_epoch": "6",  # 2 epochs of 3 steps
    "ema_decay": "0.9", "rare_class_temperature": "0.1", "label_smoothing": "0.1",  # what keeps or draws more
}  # fmt: skip


class Killed(BaseException):
    """Ends a training as a crash would: nothing may tidy up after it."""


@pytest.fixture(scope="module")
def whole(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("resume") / "whole"
    assert train(tiny, out, **OFTEN).exit_code == 0
    return out


def kill() -> None:
    raise Killed


def stopped_at(step: int, tiny: Path, out: Path, at_step: Callable, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose training crashed when it came to `step`."""
    with monkeypatch.context():
        at_step(step, kill)
        with pytest.raises(Killed):
            train(tiny, out, **OFTEN)
    monkeypatch.undo()
    return out


def log(folder: Path) -> list[tuple[object, ...]]:
    numbers = read_record(folder / "train.json").numbers
    assert isinstance(numbers, TrainingNumbers)
    return [(p.epoch, p.step, p.loss, p.learning_rate, p.miou_percent) for p in numbers.epochs]


def checkpoints(folder: Path) -> list[Path]:
    return sorted(folder.glob(".checkpoint-*.pt"), key=lambda path: len(path.name))


def assert_same(folder: Path, whole: Path) -> Record:
    assert sha256_file(folder / "weights.safetensors") == sha256_file(whole / "weights.safetensors")
    assert log(folder) == log(whole)
    assert sorted(path.name for path in folder.iterdir()) == ["train.json", "weights.safetensors"]
    return read_record(folder / "train.json")


@pytest.mark.parametrize("step", [1, 3, 5])  # inside an epoch, between two, at the last step
def test_a_crash_at_any_step_changes_nothing(
    step: int, tiny: Path, whole: Path, tmp_path: Path, at_step: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = stopped_at(step, tiny, tmp_path / "broken", at_step, monkeypatch)
    result = train(tiny, broken, **OFTEN, **({"workers": "1"} if step == 3 else {}))  # workers change no bit
    assert f"going on after step {step} of 6" in result.stderr
    record = assert_same(broken, whole)
    assert record.config["resumed"] == [{"step": step, "changed": []}]
    assert (broken / "weights.safetensors").stat().st_mode & 0o777 == 0o644


def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(
    tiny: Path, whole: Path, tmp_path: Path, at_step: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = stopped_at(4, tiny, tmp_path / "broken", at_step, monkeypatch)
    last, before = checkpoints(broken)
    last.write_bytes(one_bit(last.read_bytes()))
    result = train(tiny, broken, **OFTEN)
    assert f"checkpoint {last} cannot be used (it is damaged" in result.stderr
    assert f"{before.name} is tried" in result.stderr
    assert "going on after step 3 of 6" in result.stderr
    assert_same(broken, whole)


def one_bit(content: bytes) -> bytes:
    return content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda content: content[: len(content) // 2], "it is damaged"),
        (one_bit, "it is damaged"),
        (lambda content: content.replace(b'"step": 8', b'"step": 9'), "it is damaged"),
        (lambda content: b"just some text\n", "it is no checkpoint of this version"),
        (lambda content: b"", "it is no checkpoint of this version"),
    ],
    ids=["truncated", "one bit", "header", "text", "empty"],
)
def test_every_damage_is_seen(harm: Callable[[bytes], bytes], said: str, tmp_path: Path) -> None:
    heard: list[str] = []
    checkpoint = Checkpoint(tmp_path, {"seed": 0}, {}, 60, say=heard.append)
    for step in (7, 8):
        checkpoint.save(TrainingState(step=step), {"model": {"w": torch.zeros(9)}})
    last, before = checkpoint.files
    last.write_bytes(harm(last.read_bytes()))
    saved = checkpoint.read()
    assert saved is not None
    assert saved.state.step == 7
    assert heard[0].startswith(f"checkpoint {last} cannot be used ({said}")
    before.write_bytes(harm(before.read_bytes().replace(b'"step": 7', b'"step": 8')))
    assert checkpoint.read() is None
    assert heard[-1].endswith("the training starts at its first step")


def test_a_part_that_a_killed_process_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = Checkpoint(tmp_path, {"seed": 0}, {}, 60)
    parts: list[Path] = []
    monkeypatch.setattr(os, "fsync", lambda handle: parts.extend(tmp_path.iterdir()))
    checkpoint.save(TrainingState(step=7), {"model": {}})
    parts[0].write_bytes(b"half")
    checkpoint.read()
    assert list(tmp_path.iterdir()) == [checkpoint.files[0]]


def test_a_checkpoint_of_other_settings_is_kept_and_named(
    tiny: Path, whole: Path, tmp_path: Path, at_step: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = stopped_at(2, tiny, tmp_path / "broken", at_step, monkeypatch)
    kept = checkpoints(broken)
    before = {path: path.read_bytes() for path in kept}
    other = train(tiny, broken, "--seed", "1", **OFTEN | {"epochs": "1"})
    assert "going on" not in other.stderr
    assert "another training, stopped at step 2 (recipe.epochs is 1, was 2; seed is 1, was 0)" in other.stderr
    assert {path: path.read_bytes() for path in kept} == before
    with pytest.raises(UserError, match="holds another finished training"):
        train(tiny, broken, **OFTEN)
    for name in ("train.json", "weights.safetensors"):
        (broken / name).rename(tmp_path / name)
    resumed = train(tiny, broken, **OFTEN)
    assert "going on after step 2 of 6" in resumed.stderr
    assert_same(broken, whole)


@pytest.mark.parametrize(("signum", "name", "code"), [(signal.SIGINT, "Ctrl-C", 130), (signal.SIGTERM, "SIGTERM", 143)])
def test_a_signal_saves_and_says_how_to_go_on(
    signum: int, name: str, code: int, tiny: Path, whole: Path, tmp_path: Path, at_step: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    seldom = OFTEN | {"checkpoint_every_steps": "100"}
    before = signal.getsignal(signum)
    at_step(1, lambda: os.kill(os.getpid(), signum))
    stopped = train(tiny, tmp_path / "out", **seldom)
    assert stopped.exit_code == code
    assert f"stopped by {name} after step 2 of 6; the same command goes on from there" in stopped.stderr
    assert signal.getsignal(signum) == before
    monkeypatch.undo()
    train(tiny, tmp_path / "out", **seldom)
    assert_same(tmp_path / "out", whole)


def test_a_signal_while_an_epoch_is_scored_loses_nothing(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = {"images_per_epoch": "4", "epochs": "2", "selection": "best", "selection_split": "val"}
    assert train(tiny, tmp_path / "whole", **best).exit_code == 0
    from hyperseg.evaluation import evaluate as evaluation

    def interrupted(*args: object, **options: object) -> object:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
        raise AssertionError("the signal did not end the wait")

    with monkeypatch.context() as patch:
        patch.setattr(evaluation, "evaluate", interrupted)
        assert train(tiny, tmp_path / "out", **best).exit_code == 143
    train(tiny, tmp_path / "out", **best)
    assert_same(tmp_path / "out", tmp_path / "whole")


def test_two_trainings_do_not_share_a_folder(tiny: Path, tmp_path: Path) -> None:
    with output_folder(tmp_path / "run"), pytest.raises(UserError, match="another training writes into"):
        train(tiny, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_written_is_named_before_the_first_step(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UserError, match="is a file or lies below one"):
            train(tiny, out)
    with pytest.raises(UserError, match="cannot write into /proc/run"):
        train(tiny, Path("/proc/run"))
    assert (tmp_path / "file").read_text() == "mine"


def test_another_environment_goes_on_and_is_named(tmp_path: Path) -> None:
    said: list[str] = []
    here = {"torch": "2.15.0", "threads": 2}
    settings = {"variant": "v", "recipe": {"batch": 2}}
    Checkpoint(tmp_path, settings, here | {"torch": "2.14.0"}, 60).save(TrainingState(step=7), {})
    saved = Checkpoint(tmp_path, settings, here, 60, say=said.append).read()
    assert saved is not None
    assert saved.state.resumed == [{"step": 7, "changed": ["torch is 2.15.0, was 2.14.0"]}]
    assert len(said) == 1
    assert "torch is 2.15.0, was 2.14.0" in said[0]


def test_a_disk_that_refuses_a_checkpoint_does_not_end_the_training(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "file").write_text("")
    Checkpoint(tmp_path / "file", {}, {}, 60, say=said.append).save(TrainingState(step=3), {})
    assert said[0].startswith("no checkpoint was written at step 3: ")


@pytest.mark.slow
def test_kill_9_at_random_moments(tiny: Path, whole: Path, tmp_path: Path) -> None:
    """A real process, killed again and again until it is done."""
    out = tmp_path / "killed"
    start = [sys.executable, "-c", "from hyperseg.cli import main; main()"]
    command = [*start, "train", *arguments(tiny, out, **OFTEN)]
    for trial in range(4):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while not list(out.glob(".checkpoint-*")) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.13 * trial)
        process.kill()
        process.wait()
    assert subprocess.run(command, check=False).returncode == 0
    assert_same(out, whole)
