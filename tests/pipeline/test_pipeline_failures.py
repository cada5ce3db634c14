"""Bad input, failing steps, kills: one sentence, nothing lost, and the way on."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from pipeline_checkout import Checkout

from hyperseg.errors import UserError
from hyperseg.pipeline.dataset import check_unchanged
from hyperseg.pipeline.lock import run_lock


@pytest.fixture(scope="module")
def checkout(new_checkout: Callable[[], Checkout]) -> Checkout:
    return new_checkout()


def started(checkout: Checkout) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        ["hyperseg", "run", "config/demo.yaml"],
        cwd=checkout.folder, env=checkout.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background shell hands down "ignore"
    )  # fmt: skip


def wait_for_job(run: "subprocess.Popen[str]", words: str) -> psutil.Process:
    """The process of a job that `run` has started, by words of its command line."""
    for _ in range(600):
        for child in psutil.Process(run.pid).children(recursive=True):
            try:
                command = " ".join(child.cmdline())
            except psutil.Error:
                continue
            if words in command and "snakemake" not in command and "/bin/bash" not in command:
                return child
        assert run.poll() is None, run.communicate()[0]
        time.sleep(0.1)
    raise AssertionError(f"no job with '{words}' was started")


def gone(process: psutil.Process) -> bool:
    try:
        process.wait(timeout=120)
    except psutil.TimeoutExpired:
        return False
    return True


def test_bad_input_is_one_sentence_and_starts_nothing(checkout: Checkout) -> None:
    for arguments, told in {
        ("config/none.yaml",): "cannot read the configuration config/none.yaml",
        ("config/demo.yaml", "--source", "nowhere"): "there is no --source nowhere",
    }.items():
        output = checkout.call("hyperseg", "run", *arguments, code=2)
        assert output.startswith("error: ")
        assert told in output
        assert output.count("\n") == 1
    assert not (checkout.folder / "results/runs").exists()
    assert checkout.call("hyperseg", "adopt", code=2).startswith("error: there is no dvc.lock")


def test_a_step_that_refuses_its_input_is_shown_with_its_log_and_the_rest_is_kept(checkout: Checkout) -> None:
    checkout.configure(training={"crop_hw": [100, 100]})  # no multiple of the network's unit
    output = checkout.run(code=2)
    assert "failed; the end of logs/demo/camvid_hyperseg_s/seed0/train.log:" in output
    assert "    error: " in output
    assert "Traceback" not in output
    assert (checkout.folder / "data/streets/manifest.json").is_file()
    assert not (checkout.folder / "results/runs/demo/camvid_hyperseg_s/seed0/weights.safetensors").exists()
    checkout.configure()


def test_a_killed_engine_takes_its_jobs_along_and_the_way_on_is_told(checkout: Checkout) -> None:
    run = started(checkout)
    job = wait_for_job(run, "hyperseg train")
    (engine,) = psutil.Process(run.pid).children()
    engine.kill()
    output, _ = run.communicate(timeout=300)
    assert run.returncode == 2
    assert gone(job)
    assert "error: " in output

    told = checkout.run(code=2)
    assert "`snakemake --unlock`" in told
    assert told.count("\n") == 1
    checkout.call("snakemake", "--unlock")
    assert "train" in checkout.run("--dry-run")


def test_a_second_run_is_refused_and_an_interrupted_one_stops_its_jobs_and_leaves_no_lock(checkout: Checkout) -> None:
    run = started(checkout)
    job = wait_for_job(run, "hyperseg train")
    refused = checkout.run(code=2)
    assert f"another run (process {run.pid}) is at work" in refused

    os.kill(run.pid, signal.SIGINT)
    output, _ = run.communicate(timeout=300)
    assert run.returncode == 130, output
    assert "goes on from here" in output
    assert gone(job)
    assert "train" in checkout.run("--dry-run")


def test_the_lock_is_free_again_when_its_holder_is_done(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with run_lock(path), pytest.raises(UserError, match=f"process {os.getpid()}"), run_lock(path):
        pass
    with run_lock(path):
        pass


def test_an_untouched_dataset_is_not_hashed_again(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = checkout.folder / "data/streets"
    monkeypatch.chdir(tmp_path)
    check_unchanged(folder)
    hashed: list[Path] = []
    monkeypatch.setattr("hyperseg.pipeline.dataset.sha256_files", lambda paths: hashed.extend(paths) or {})
    check_unchanged(folder)
    assert not hashed
    os.utime(folder / "dataset.yaml")
    check_unchanged(folder)
    assert hashed == [folder / "dataset.yaml"]


def test_missing_and_foreign_files_of_a_dataset_are_named(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = checkout.folder / "data/streets"
    monkeypatch.chdir(tmp_path)
    image = folder / "val/images/000000.png"
    image.rename(folder / "val/images/other.png")
    try:
        with pytest.raises(UserError) as error:
            check_unchanged(folder)
    finally:
        (folder / "val/images/other.png").rename(image)
    assert "val/images/000000.png (missing)" in str(error.value)
    assert "val/images/other.png (not in the manifest)" in str(error.value)
