"""The demo through a real SLURM of one node: `make slurm`, which starts it for as long as these tests run."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest
import yaml
from pipeline_checkout import VARIANT, Checkout, takes

from hyperseg.records import Record, read_record

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("SLURM_CONF" not in os.environ, reason="no SLURM runs here; `make slurm` starts one"),
    pytest.mark.skipif(
        find_spec("snakemake_executor_plugin_slurm") is None,
        reason="Snakemake's SLURM executor is not installed; `make slurm` does that",
    ),
]
PROFILE = {
    "executor": "slurm",
    "slurm-status-command": "squeue",
    "slurm-init-seconds-before-status-checks": 5,
    "seconds-between-status-checks": 5,
    "jobs": 4,
    "config": {"latency": {"target": "node", "device": "cpu"}},
    "default-resources": {"runtime": 60, "mem_mb": 1500, "slurm_partition": "gpu", "slurm_extra": "'--requeue'"},
    "latency-wait": 30,
    "rerun-incomplete": True,
    "keep-going": True,
}


@pytest.fixture
def checkout(new_checkout: Callable[[], Checkout]) -> Checkout:
    made = new_checkout()
    (made.folder / "profiles/here").mkdir()
    made.write("profiles/here/config.yaml", yaml.safe_dump(PROFILE))
    return made


def run_on_slurm(checkout: Checkout) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        ["hyperseg", "run", "config/demo.yaml", "--profile", "profiles/here"],
        cwd=checkout.folder, env=checkout.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        # A shell that starts the tests in the background has its processes ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip


def slurm_job(run: "subprocess.Popen[str]", rule: str) -> str:
    """The id of a running SLURM job of a rule."""
    for _ in range(600):
        listed = subprocess.run(
            ["squeue", "--noheader", "--states=RUNNING", "--format=%i|%k"], capture_output=True, text=True, check=True
        ).stdout
        for line in listed.splitlines():
            job, _, comment = line.partition("|")
            if f"rule_{rule}" in comment:
                return job
        assert run.poll() is None, run.communicate()[0]
        time.sleep(0.5)
    raise AssertionError(f"no job of {rule} ran")


def wait_for_training(checkout: Checkout) -> None:
    """Until the training saves its state when it is asked to stop: from its first step on."""
    for _ in range(1200):
        for process in psutil.process_iter():
            with suppress(OSError, psutil.Error):
                trains = "train" in process.cmdline()[1:4] and Path(process.cwd()) == checkout.folder
                if trains and takes(process, signal.SIGTERM):
                    return
        time.sleep(0.1)
    raise AssertionError("no training came to its first step")


def records(checkout: Checkout) -> dict[str, Record]:
    folder = checkout.folder / f"results/runs/demo/{VARIANT}/seed0"
    return {path.name: read_record(path) for path in folder.glob("*.json")}


def test_a_preempted_and_requeued_run_ends_in_the_records_of_a_local_one(checkout: Checkout, tmp_path: Path) -> None:
    checkout.configure(training={"epochs": 60})
    shutil.copytree(checkout.folder, tmp_path / "checkout", symlinks=True)
    local = Checkout(tmp_path / "checkout")
    local.run()

    run = run_on_slurm(checkout)
    job = slurm_job(run, "train")
    wait_for_training(checkout)
    urgent = ("--partition=urgent", "--exclusive", "--wrap", "sleep 5")
    subprocess.run(["sbatch", "--output=/dev/null", *urgent], check=True, capture_output=True)
    output, _ = run.communicate(timeout=1500)
    assert run.returncode == 0, output
    assert "report: reports/demo/index.html" in output
    shown = subprocess.run(["scontrol", "show", "job", job], capture_output=True, text=True, check=True).stdout
    assert "Restarts=1" in shown

    there, here = records(checkout), records(local)
    assert set(there) == set(here) == {"train.json", "evaluation-standard.json"}
    for name in here:
        assert there[name].network.weights_sha256 == here[name].network.weights_sha256
    assert json.loads(there["evaluation-standard.json"].numbers.model_dump_json()) == json.loads(
        here["evaluation-standard.json"].numbers.model_dump_json()
    )
    (latency,) = (checkout.folder / f"results/runs/demo/{VARIANT}/seed0/latency/node").glob("*.json")
    assert read_record(latency).provenance.machine == there["train.json"].provenance.machine
    assert "nothing to do" in checkout.call("hyperseg", "run", "config/demo.yaml", "--profile", "profiles/here")


def test_a_cancelled_job_is_named_and_the_same_command_goes_on(checkout: Checkout) -> None:
    checkout.configure(training={"epochs": 100_000})
    run = run_on_slurm(checkout)
    job = slurm_job(run, "train")
    subprocess.run(["scancel", job], check=True)
    output, _ = run.communicate(timeout=600)
    assert run.returncode in (1, 2), output
    assert f"train {VARIANT} 0 failed" in output

    again = run_on_slurm(checkout)
    slurm_job(again, "train")
    again.send_signal(signal.SIGINT)
    output, _ = again.communicate(timeout=600)
    assert again.returncode == 130, output
