"""The lock of a run, and Snakemake's that a dead one left: taken over from the dead, never from the living."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from hyperseg.errors import UserError
from hyperseg.pipeline.lock import MACHINE_FILE, run_lock, take_over_lock


def test_the_lock_is_free_again_when_its_holder_is_done(tmp_path: Path) -> None:
    with run_lock(tmp_path), pytest.raises(UserError, match=f"process {os.getpid()}"), run_lock(tmp_path):
        pass
    with run_lock(tmp_path):
        pass


def test_snakemake_s_lock_is_taken_over_from_the_dead_and_not_from_the_living(tmp_path: Path) -> None:
    lock = tmp_path / ".snakemake/locks/0.input.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("")
    code = "import sys, time; print('ready', flush=True); time.sleep(600)"
    other = subprocess.Popen([sys.executable, "-c", code, "snakemake"], cwd=tmp_path, stdout=subprocess.PIPE)
    assert other.stdout
    other.stdout.readline()
    with pytest.raises(UserError, match=f"another Snakemake \\(process {other.pid}\\)"), run_lock(tmp_path):
        pass
    assert lock.exists()
    other.kill()
    other.wait()
    said: list[str] = []
    with run_lock(tmp_path, said.append):
        assert not lock.exists()
    assert ["it is taken over" in text for text in said] == [True]


def test_a_lock_of_this_machine_is_taken_over_and_that_of_another_is_not(tmp_path: Path) -> None:
    lock, machine = tmp_path / ".snakemake/locks/0.input.lock", tmp_path / MACHINE_FILE
    lock.parent.mkdir(parents=True)
    said: list[str] = []
    for owner, stays in (None, True), ("elsewhere", True), (platform.node(), False):
        lock.write_text("")
        if owner:
            machine.write_text(owner)
        take_over_lock(tmp_path, said.append)
        assert lock.exists() == stays
    assert ["it is taken over" in text for text in said] == [True]
    assert machine.read_text() == platform.node()
