"""Jobs of one machine with several GPUs: one each."""

import os
import subprocess
import sys
from pathlib import Path

from hyperseg.processors import SHARED_GPUS

CLAIM = (
    "import os, sys; from hyperseg.cli.steps import claim_gpu; claim_gpu(); "
    "print(os.environ.get('CUDA_VISIBLE_DEVICES'), flush=True); sys.stdin.read()"
)


def claim(folder: Path, gpus: str) -> "subprocess.Popen[str]":
    environment = {key: value for key, value in os.environ.items() if key != "CUDA_VISIBLE_DEVICES"}
    return subprocess.Popen(
        [sys.executable, "-c", CLAIM],
        env=environment | {SHARED_GPUS: gpus, "TMPDIR": str(folder)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_each_job_gets_a_gpu_of_its_own_and_frees_it_when_it_ends(tmp_path: Path) -> None:
    first = claim(tmp_path, "2,5")
    assert first.stdout
    assert first.stdout.readline() == "2\n"
    second = claim(tmp_path, "2,5")
    assert second.stdout
    assert second.stdout.readline() == "5\n"
    third = claim(tmp_path, "2,5")
    assert "other jobs use all of the GPUs 2, 5" in third.communicate()[1]
    first.kill()
    first.communicate()
    fourth = claim(tmp_path, "2,5")
    assert fourth.communicate()[0] == "2\n"
    second.communicate()


def test_without_several_gpus_nothing_is_claimed(tmp_path: Path) -> None:
    assert claim(tmp_path, "").communicate()[0] == "None\n"
    assert not list(tmp_path.iterdir())
