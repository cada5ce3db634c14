"""One timed job per device, across real processes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperseg.errors import UserError
from hyperseg.latency.lock import device_lock
from hyperseg.machine_lock import MachineLock

HOLD = """
import sys
from pathlib import Path
from hyperseg.latency.lock import device_lock
with device_lock("gpu-1", "GPU 1", folder=Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its stdin is closed."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_busy_device_is_refused_and_the_holder_named(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match=rf"GPU 1 is being timed by pid {holder.pid} of .* since .*; wait for it to end"),
        device_lock("gpu-1", "GPU 1", folder=tmp_path),
    ):
        pass


def test_another_device_is_free(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    with device_lock("gpu-2", "GPU 2", folder=tmp_path):
        pass


def test_waiting_takes_the_device_when_it_is_free(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        assert holder.stdin is not None
        holder.stdin.close()  # lets the holder go, now that this process waits for it

    with device_lock("gpu-1", "GPU 1", wait=True, folder=tmp_path, say=say):
        assert len(said) == 1
        assert f"pid {holder.pid}" in said[0]


def test_the_lock_goes_with_a_killed_process(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    holder.kill()
    holder.wait()
    with device_lock("gpu-1", "GPU 1", folder=tmp_path):
        pass


def test_a_lock_that_another_user_made_serves_everyone(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    with device_lock("gpu-1", "GPU 1", folder=folder):
        pass
    assert folder.stat().st_mode & 0o7777 == 0o1777
    assert (folder / "gpu-1.lock").stat().st_mode & 0o777 == 0o666
    if os.getuid() == 0:  # another user's file in a folder like /tmp, which filelock refuses
        os.chown(folder / "gpu-1.lock", 12345, 12345)
    with device_lock("gpu-1", "GPU 1", folder=folder):
        assert not MachineLock("gpu-1", folder).acquire()


def test_a_lock_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "gpu-1.lock").symlink_to(tmp_path / "elsewhere")  # whose file would it be?
    with pytest.raises(UserError, match=r"gpu-1\.lock cannot be opened .*; remove it, or set TMPDIR"):
        MachineLock("gpu-1", tmp_path).acquire()


def test_a_user_without_a_name_holds_the_lock_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("getpass.getuser", unknown)
    with device_lock("gpu-1", "GPU 1", folder=tmp_path):
        assert f'"user": "user {os.getuid()}"' in (tmp_path / "gpu-1.json").read_text()
