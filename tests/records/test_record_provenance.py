"""What a run was made with."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from hyperseg.records.network import network_ref
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


def test_versions_threads_and_command_are_recorded() -> None:
    made = provenance(command=["hyperseg", "test"], threads=3)
    assert made.command == ["hyperseg", "test"]
    told = provenance(command=["hyperseg", "--a", "/home/me/data/", "--b=/mnt/x.pth", "--c=d/e", "d/e"], threads=1)
    assert told.command == ["hyperseg", "--a", "data", "--b=x.pth", "--c=d/e", "d/e"]
    assert made.threads == 3
    assert {"torch", "timm", "numpy", "hyperseg-bench"} <= set(made.packages)
    assert all(re.match(r"\d", version) for version in made.packages.values())
    assert provenance().threads == (os.cpu_count() or 1)


def test_commit_and_dirty_flag_of_a_checkout_outputs_left_out(tmp_path: Path) -> None:
    """The rule of `dirty`, on a checkout of its own: code counts, what the pipeline writes does not."""
    package = Path(__file__).parents[2] / "hyperseg"
    repository = tmp_path / "repository"
    shutil.copytree(package / "records", repository / "hyperseg/records", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__init__.py", "errors.py", "files.py", "strict.py"):
        shutil.copy(package / name, repository / "hyperseg" / name)

    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        command = ["git", "-C", str(repository), *identity, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def flag() -> tuple[str | None, bool | None]:
        code = "from hyperseg.records.provenance import provenance; p = provenance(); print(p.commit, p.dirty)"
        environment = os.environ | {"PYTHONPATH": str(repository), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment)
        commit, dirty = done.stdout.split()
        return commit, {"True": True, "False": False, "None": None}[dirty]

    git("init", "-q")
    (repository / "code.py").write_text("1\n")
    git("add", "-A")
    git("commit", "-q", "-m", "first")
    assert flag() == (git("rev-parse", "HEAD"), False)
    for folder in ("data", "results", "reports"):
        (repository / folder).mkdir()
        (repository / folder / "output").write_text("made by a run\n")
    assert flag()[1] is False
    (repository / "code.py").write_text("2\n")
    assert flag()[1] is True


def test_a_network_is_described_by_its_own_attributes() -> None:
    weights = SimpleNamespace(source="package 1.0", file="w.pth", sha256="0" * 64)
    model = SimpleNamespace(
        variant=SimpleNamespace(id="camvid_hyperseg_s"), num_classes=12, backbone_name="tf_efficientnet_lite1",
        backbone_weights=weights, slices="released",
        parameters=lambda: [SimpleNamespace(numel=lambda: 40), SimpleNamespace(numel=lambda: 2)],
    )  # fmt: skip
    described = network_ref(model, weights_sha256=None, gmacs=1.5)
    assert described.id == "camvid_hyperseg_s"
    assert described.parameters == 42
    assert described.weights_sha256 is None
    assert described.backbone_weights is not None
    assert described.backbone_weights.file == "w.pth"
    model.backbone_weights = None
    assert network_ref(model, weights_sha256="1" * 64).backbone_weights is None


def test_records_import_no_torch() -> None:
    code = "import sys, hyperseg.records, hyperseg.records.provenance; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
