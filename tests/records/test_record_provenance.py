"""What a run was made with."""

import os
import re
import shutil
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace

import pytest

from hyperseg.records.provenance import machine, provenance


def test_the_machine_is_the_same_each_time_and_has_a_short_fingerprint() -> None:
    here = machine()
    assert re.fullmatch(r"[0-9a-f]{12}", here.fingerprint)
    assert here.cpu.strip()
    assert here.cpu_cores >= 1
    assert here.memory_bytes > 2**28
    assert len(here.gpus) == len(here.gpu_uuids)
    code = "from hyperseg.records.provenance import machine; print(machine().fingerprint)"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == here.fingerprint


def test_versions_threads_and_command_are_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["--a", "/home/me/data/", "--b=/mnt/x.pth", "--c=d/e", "d/e"]
    monkeypatch.setattr(sys, "argv", ["/home/me/bin/hyperseg", *words])
    made = provenance(threads=3)
    assert made.command == ["hyperseg", "--a", "data", "--b=x.pth", "--c=d/e", "d/e"]
    assert made.threads == 3
    assert {"torch", "timm", "numpy", "hyperseg-bench"} <= set(made.packages)
    assert all(re.match(r"\d", version) for version in made.packages.values())
    assert provenance().threads == (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("argv0", "module", "first"),
    [
        ("/usr/bin/hyperseg", None, ["hyperseg"]),
        ("/x/hyperseg/__main__.py", "hyperseg.__main__", ["python", "-m", "hyperseg"]),
        ("/x/hyperseg/gpu/pieces.py", "hyperseg.gpu.pieces", ["python", "-m", "hyperseg.gpu.pieces"]),
    ],
)
def test_the_recorded_command_can_be_typed(
    argv0: str, module: str | None, first: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = ModuleSpec(module, None) if module else None
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", spec)
    monkeypatch.setattr(sys, "argv", [argv0, "diff", "a", "b"])
    assert provenance().command == [*first, "diff", "a", "b"]


PACKAGE = Path(__file__).parents[2] / "hyperseg"


def git(repository: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    command = ["git", "-C", str(repository), *identity, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def copy_package(folder: Path) -> Path:
    """As much of the package in `folder` as provenance needs; returns `folder`."""
    shutil.copytree(PACKAGE / "records", folder / "hyperseg/records", ignore=shutil.ignore_patterns("__pycache__"))
    for path in PACKAGE.glob("*.py"):
        shutil.copy(path, folder / "hyperseg" / path.name)
    return folder


def state(folder: Path, cwd: Path, **environment: str) -> tuple[str | None, bool | None, str]:
    """Commit, dirty flag and what was said on stderr, by the package in `folder`."""
    code = "from hyperseg.records.provenance import provenance; p = provenance(); print(p.commit, p.dirty)"
    variables = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"} | environment
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=cwd, env=variables)
    commit, dirty = done.stdout.split()
    return (None if commit == "None" else commit), {"True": True, "False": False, "None": None}[dirty], done.stderr


def test_commit_and_dirty_flag_of_a_checkout_outputs_left_out(tmp_path: Path) -> None:
    """The rule of `dirty`, on a checkout of its own: code counts, what the pipeline writes does not."""
    repository = copy_package(tmp_path / "repository")
    git(repository, "init", "-q")
    (repository / "code.py").write_text("1\n")
    shutil.copy2(Path(__file__).parents[2] / ".gitignore", repository)
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "first")
    commit = git(repository, "rev-parse", "HEAD")
    assert state(repository, tmp_path) == (commit, False, "")
    for folder in ("data", "results", "reports", "tracked", "dvc_plots"):
        (repository / folder).mkdir()
        (repository / folder / "output").write_text("made by a run\n")
    assert state(repository, tmp_path)[1] is False
    (repository / "code.py").write_text("2\n")
    assert state(repository, tmp_path, GIT_DIR=str(tmp_path / "elsewhere")) == (commit, True, "")


def test_a_commit_of_another_repository_is_never_taken(tmp_path: Path) -> None:
    """The package in an environment inside somebody's repository, run from there."""
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    git(foreign, "init", "-q")
    (foreign / ".gitignore").write_text(".venv/\n")
    git(foreign, "add", "-A")
    git(foreign, "commit", "-q", "-m", "theirs")
    package = copy_package(foreign / ".venv/lib/site-packages")
    commit, dirty, said = state(package, foreign)
    assert (commit, dirty) == (None, None)
    assert said.startswith("note: the commit in the record is unknown: the git repository around this package does not")
    outside = copy_package(tmp_path / "outside")
    commit, _, said = state(outside, foreign)  # the working directory's repository is not the package's either
    assert commit is None
    assert "does not lie in a git checkout" in said


def test_a_checkout_that_git_does_not_trust_is_named_with_the_remedy(tmp_path: Path) -> None:
    repository = copy_package(tmp_path / "of another")
    git(repository, "init", "-q")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "first")
    variables = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}  # git's own test switch
    commit, _, said = state(repository, tmp_path, **variables)
    assert commit is None
    assert f"git config --global --add safe.directory '{repository}'" in said


def test_a_gpu_that_this_job_may_not_open_is_no_part_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """NVML counts the GPUs that a scheduler gave to others, too."""

    class NVMLError(Exception):
        pass

    def handle(index: int) -> int:
        if index == 0:
            raise NVMLError("Insufficient Permissions")
        return index

    nvml = SimpleNamespace(
        NVMLError=NVMLError, nvmlInit=lambda: None, nvmlShutdown=lambda: None, nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=handle, nvmlDeviceGetName=lambda handle: f"GPU number {handle}",
        nvmlDeviceGetUUID=lambda handle: f"GPU-{handle}", nvmlSystemGetDriverVersion=lambda: "575.1",
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    assert machine.__wrapped__().gpus == ["GPU number 1"]
    assert machine.__wrapped__().gpu_uuids == ["GPU-1"]
