"""DVC remembers datasets: going back to an older commit brings the old bytes, and with them the old version."""

import subprocess
from pathlib import Path

from dvc.cli import main as dvc
from dvc.repo import Repo

from hyperseg.data.prepared import open_dataset
from hyperseg.datasets.sealing import seal
from hyperseg.datasets.verify import verify


def git(*arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", *arguments], check=True, capture_output=True)


def commit(message: str) -> None:
    git("add", ".")
    git("commit", "-q", "-m", message)


def changed(home: Path) -> dict:
    with Repo(str(home)) as repo:
        return dict(repo.status())


def test_going_back_brings_the_old_bytes_and_the_old_version(dataset, make, tmp_path, monkeypatch):
    home = tmp_path / "project"
    data = home / "data" / "mini"
    data.parent.mkdir(parents=True)
    dataset.rename(data)
    monkeypatch.chdir(home)
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    git("init", "-q")
    assert dvc(["init", "-q"]) == 0
    assert dvc(["add", "-q", "data/mini"]) == 0
    commit("first")
    image = data / "train" / "images" / "train0.png"
    first_bytes, first_version = image.read_bytes(), open_dataset(data).version
    first_card = (data / "card.json").read_bytes()

    assert dvc(["unprotect", "data/mini"]) == 0
    changed_bytes = bytearray(first_bytes)
    changed_bytes[-30] ^= 1  # of the same size: found by its hash alone
    image.write_bytes(changed_bytes)
    assert changed(home) == {"data/mini.dvc": [{"changed outs": {"data/mini": "modified"}}]}
    image.write_bytes(make.png(make.noise(55)))
    second_version = seal(data).version
    assert dvc(["add", "-q", "data/mini"]) == 0
    commit("second")
    assert second_version != first_version

    git("checkout", "-q", "HEAD~1")
    assert dvc(["checkout", "-q"]) == 0
    assert image.read_bytes() == first_bytes
    assert (data / "card.json").read_bytes() == first_card
    assert verify(data).version == first_version
    git("checkout", "-q", "-")
    assert dvc(["checkout", "-q"]) == 0
    assert verify(data).version == second_version
    assert changed(home) == {}
