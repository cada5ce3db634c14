"""Bad input, failing steps, kills: one sentence, nothing lost, and the way on."""

import hashlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from pipeline_checkout import BIN, ROOT, VARIANT, Checkout, takes

from hyperseg.errors import UserError
from hyperseg.pipeline.campaign import load_campaign
from hyperseg.pipeline.commands import reason
from hyperseg.pipeline.dataset import check_unchanged
from hyperseg.pipeline.lock import run_lock
from hyperseg.pipeline.profile import read_profile


@pytest.fixture(scope="module")
def checkout(new_checkout: Callable[[], Checkout]) -> Checkout:
    return new_checkout()


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small prepared dataset."""
    folder = tmp_path_factory.mktemp("data") / "streets"
    sizes = ("--train", "2", "--val", "1", "--test", "1", "--height", "64", "--width", "64")
    subprocess.run([str(BIN / "hyperseg"), "data", "streets", "--out", str(folder), *sizes], check=True)
    return folder


@pytest.fixture
def endless(checkout: Checkout) -> Iterator[Checkout]:
    """The checkout with a training that is at work whenever it is stopped, however slow the machine."""
    checkout.configure(training={"epochs": 100_000})
    yield checkout
    checkout.configure()
    for process in psutil.process_iter():  # of a test that failed
        try:
            if Path(process.cwd()) == checkout.folder:
                process.kill()
        except (OSError, psutil.Error):
            continue


def started(checkout: Checkout, *, background: bool = False) -> "subprocess.Popen[str]":
    """A run as a terminal starts it, or as a shell does with `&`, which hands down that SIGINT is ignored."""
    interrupts = signal.SIG_IGN if background else signal.SIG_DFL
    return subprocess.Popen(
        ["hyperseg", "run", "config/demo.yaml"],
        cwd=checkout.folder, env=checkout.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, interrupts),
    )  # fmt: skip


def wait_for_training(run: "subprocess.Popen[str]") -> psutil.Process:
    """The process of a training that `run` has started, by its command line."""
    for _ in range(600):
        for child in psutil.Process(run.pid).children(recursive=True):
            try:
                command = " ".join(child.cmdline())
            except psutil.Error:
                continue
            if "hyperseg train" in command and "snakemake" not in command and "/bin/bash" not in command:
                return child
        assert run.poll() is None, run.communicate()[0]
        time.sleep(0.1)
    raise AssertionError("no training was started")


def gone(process: psutil.Process) -> bool:
    try:
        process.wait(timeout=120)
    except psutil.TimeoutExpired:
        return False
    return True


def test_bad_input_is_one_sentence_and_starts_nothing(checkout: Checkout) -> None:
    for arguments, told in {
        ("config/none.yaml",): "cannot read configuration config/none.yaml",
        ("config/demo.yaml", "--source", "nowhere"): "there is no --source nowhere",
    }.items():
        output = checkout.call("hyperseg", "run", *arguments, code=2)
        assert output.startswith("error: ")
        assert told in output
        assert output.count("\n") == 1
    assert not (checkout.folder / "results/runs").exists()
    assert checkout.call("hyperseg", "adopt", code=2).startswith("error: there is no dvc.lock")


def test_dvc_is_told_in_one_sentence_what_its_stages_miss_or_the_configuration_lacks(checkout: Checkout) -> None:
    """With the seeds of the last time DVC would find everything up to date."""
    stage = (sys.executable, "-m", "hyperseg.pipeline.digests", "config/demo.yaml")
    text = checkout.read("config/demo.yaml")
    try:
        checkout.call(*stage)
        with run_lock(checkout.folder):
            assert "another run (process" in checkout.call(*stage, code=2)
        for config, told in {
            text.replace("seeds:\n- 0", "seeds:\n- 0\n- 1"): "stages train, evaluate are not its own; bring",
            text.replace("batch: 2", "batch: two"): "training.batch in the configuration does not fit",
        }.items():
            checkout.write("config/demo.yaml", config)
            output = checkout.call(*stage, code=2)
            assert output.startswith("error: ")
            assert told in output
            assert output.count("\n") == 1
    finally:
        checkout.configure()


def test_dvc_does_not_delete_trainings_that_it_was_not_told_of(checkout: Checkout) -> None:
    stage = (sys.executable, "-m", "hyperseg.pipeline.digests", "config/demo.yaml")
    seed = checkout.folder / f"results/runs/demo/{VARIANT}/seed0"
    lock = checkout.folder / "dvc.lock"
    seed.mkdir(parents=True)
    try:
        (seed / "weights.safetensors").write_bytes(b"weights")
        checkout.call(*stage)  # a training at work, whose record comes last
        (seed / "train.json").write_bytes(b"record")
        output = checkout.call(*stage, code=2)
        assert output.startswith("error: dvc.lock lacks these finished trainings")
        assert f"make again: {VARIANT} seed0; bring the campaign up to date" in output
        assert output.count("\n") == 1
        lock.write_text(f"md5: {hashlib.md5(b'record').hexdigest()}\n")
        checkout.call(*stage)
    finally:
        shutil.rmtree(checkout.folder / "results/runs")
        lock.unlink(missing_ok=True)


def test_a_campaign_whose_data_lies_behind_a_link_is_not_tracked_by_half(checkout: Checkout, tmp_path: Path) -> None:
    (checkout.folder / "data").symlink_to(tmp_path)
    try:
        output = checkout.call("hyperseg", "track", "config/demo.yaml", code=2)
    finally:
        (checkout.folder / "data").unlink()
    assert output.startswith(f"error: data/streets lies at {tmp_path}/streets, out of the repository")
    assert output.count("\n") == 1


def test_the_reason_of_a_failed_dvc_is_its_sentence_not_an_address() -> None:
    said = (
        "ERROR: failed to pull data - Checkout failed for following targets:\ndata/x\n<https://error.dvc.org/missing>\n"
    )
    assert reason(subprocess.CompletedProcess([], 1, "", said)).endswith("Checkout failed for following targets")


@pytest.mark.slow
def test_a_step_that_refuses_its_input_is_shown_with_its_log_and_the_rest_is_kept(checkout: Checkout) -> None:
    checkout.configure(training={"backbone": "resnet18"})  # a timm model, but no EfficientNet: the step alone knows
    try:
        output = checkout.run(code=2)
    finally:
        checkout.configure()
    assert "failed; the end of logs/demo/camvid_hyperseg_s/seed0/train.log:" in output
    assert "    error: " in output
    assert "Traceback" not in output
    assert (checkout.folder / "data/streets/manifest.json").is_file()
    assert not (checkout.folder / "results/runs/demo/camvid_hyperseg_s/seed0/weights.safetensors").exists()


@pytest.mark.slow
@pytest.mark.parametrize("killed", ["engine", "run", "both"])
def test_after_a_kill_the_same_command_goes_on_without_a_hand(endless: Checkout, killed: str) -> None:
    run = started(endless)
    job = wait_for_training(run)
    (engine,) = psutil.Process(run.pid).children()
    for process in {"engine": [engine], "run": [run], "both": [run, engine]}[killed]:
        process.kill()
    output, _ = run.communicate(timeout=300)
    if killed == "engine":  # the run stops its jobs and says so
        assert run.returncode == 2
        assert "error: " in output
        assert gone(job)
    elif killed == "run":  # the engine is a living run, and it is named
        refused = endless.run(code=2)
        assert f"Snakemake (process {engine.pid}) of a run that was killed is still at work" in refused
        os.killpg(engine.pid, signal.SIGINT)
        assert gone(engine)

    again = started(endless)
    wait_for_training(again)
    again.send_signal(signal.SIGINT)
    output, _ = again.communicate(timeout=300)
    assert again.returncode == 130, output
    if killed == "both":
        assert "stopping" in output
        assert gone(job)
    if killed != "run":
        assert "a killed run left Snakemake's lock behind" in output
    assert not list((endless.folder / ".snakemake/locks").glob("*.lock"))


@pytest.mark.slow
def test_a_second_run_is_refused_and_an_interrupted_one_stops_its_jobs_and_leaves_no_lock(endless: Checkout) -> None:
    run = started(endless)
    job = wait_for_training(run)
    refused = endless.run(code=2)
    assert f"another run (process {run.pid}) is at work" in refused
    assert "evaluate" in endless.run("--dry-run")  # a look changes nothing, so it is not refused

    os.kill(run.pid, signal.SIGINT)
    output, _ = run.communicate(timeout=300)
    assert run.returncode == 130, output
    assert "goes on from here" in output
    assert gone(job)
    assert "train" in endless.run("--dry-run")


@pytest.mark.slow
def test_a_run_in_the_background_that_is_stopped_stops_its_training_with_the_state_saved(endless: Checkout) -> None:
    run = started(endless, background=True)
    job = wait_for_training(run)
    while not takes(job, signal.SIGTERM):  # from its first step on
        time.sleep(0.1)
    run.send_signal(signal.SIGTERM)
    output, _ = run.communicate(timeout=300)
    assert run.returncode == 130, output
    assert gone(job)
    assert list(endless.folder.glob("results/runs/demo/*/seed0/.checkpoint*.pt"))


@pytest.mark.slow
def test_a_plain_snakemake_as_dvc_starts_it_goes_on_after_a_kill(endless: Checkout) -> None:
    command = ["snakemake", "--configfile=config/demo.yaml", "--cores=1", "--"]
    killed = subprocess.Popen(
        [*command, "all"], cwd=endless.folder, env=endless.environment, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    wait_for_training(killed)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert list((endless.folder / ".snakemake/locks").glob("*.lock"))
    assert "left Snakemake's lock behind" in endless.call(*command, "dataset")


def test_a_dataset_folder_with_a_space_reaches_every_command_whole(checkout: Checkout) -> None:
    checkout.configure(dataset={"folder": "data/own lots, für später"}, report={"title": 'It\'s "$HOME" `x` & -y'})
    planned = checkout.call(
        "snakemake", "--dry-run", "--nolock", "--printshellcmds", "--configfile", "config/demo.yaml", "--cores", "1"
    )
    checkout.configure()
    commands = re.findall(r"^Shell command: (hyperseg .*)$", planned, re.MULTILINE)
    steps = sorted(shlex.split(command)[1] for command in commands)
    assert steps == ["data", "evaluate", "latency", "overlay", "report", "train"]
    for command in commands:
        words = shlex.split(command)
        named = [word for word in words if "lots" in word]
        assert all(word.partition("=")[2].startswith("data/own lots, für später") for word in named), command
        assert named or words[1] == "latency"
    assert '--title=It\'s "$HOME" `x` & -y' in shlex.split(commands[-1])


def test_a_profile_is_checked_and_its_configuration_put_over_the_campaign_s(tmp_path: Path) -> None:
    profile = tmp_path / "config.yaml"
    for content, told in {
        "executor: nowhere": "executor 'nowhere' is not installed; install it with `uv pip install snakemake-executor",
        "set-threads: {train: 8}": "set threads.train in the configuration",
        "container-image: IMAGE": "container-image in .* is still IMAGE",
        "[1]": "holds no settings",
    }.items():
        profile.write_text(content)
        with pytest.raises(UserError, match=told):
            read_profile(tmp_path, None)
    with pytest.raises(UserError, match="there is no profile"):
        read_profile(tmp_path / "none", None)
    profile.write_text("config: {latency: {target: nodes, device: cuda}}\njobs: 4\n")
    found = read_profile(tmp_path, None)
    campaign = load_campaign(ROOT / "config/demo.yaml", found.config)
    assert (campaign.latency.target, campaign.latency.device, campaign.latency.engines) == (
        "nodes",
        "cuda",
        ["eager", "native"],
    )


def test_an_untouched_dataset_is_not_hashed_again(
    streets: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    check_unchanged(streets)
    hashed: list[Path] = []
    monkeypatch.setattr("hyperseg.pipeline.dataset.sha256_files", lambda paths: hashed.extend(paths) or {})
    check_unchanged(streets)
    assert not hashed
    os.utime(streets / "dataset.yaml")
    check_unchanged(streets)
    assert hashed == [streets / "dataset.yaml"]


def test_missing_and_foreign_files_of_a_dataset_are_named(
    streets: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    image = streets / "val/images/000000.png"
    image.rename(streets / "val/images/other.png")
    try:
        with pytest.raises(UserError) as error:
            check_unchanged(streets)
    finally:
        (streets / "val/images/other.png").rename(image)
    assert "val/images/000000.png (missing)" in str(error.value)
    assert "val/images/other.png (not in the manifest)" in str(error.value)
