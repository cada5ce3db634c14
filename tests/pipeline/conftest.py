"""Checkouts in which the real engines run."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from pipeline_checkout import Checkout, copy_project


@pytest.fixture(scope="session")
def new_checkout(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Checkout]:
    """Makes a fresh checkout in which nothing has run."""
    return lambda: copy_project(tmp_path_factory.mktemp("project") / "checkout")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout in which the whole pipeline has run once and DVC has recorded it, in a commit. Leave it as it is.

    It takes a minute, so that where several processes run tests the first one makes it, and each has a copy.
    """
    base = tmp_path_factory.getbasetemp()
    made = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "finished"
    with FileLock(made.with_suffix(".lock")):
        if not (made / "output.txt").is_file():
            shutil.rmtree(made, ignore_errors=True)
            _finish(made)
    own = Checkout(tmp_path_factory.mktemp("project") / "checkout")
    shutil.copytree(made / "checkout", own.folder, symlinks=True)
    own.first = made / "checkout"
    own.first_output = (made / "output.txt").read_text(encoding="utf-8")
    return own


def _finish(folder: Path) -> None:
    checkout = copy_project(folder / "checkout")
    checkout.record_loaded()
    output = checkout.run()
    checkout.call("dvc", "commit", "--force")
    checkout.call("git", "add", "dvc.lock")
    checkout.call("git", "commit", "--quiet", "--message", "results")
    (folder / "output.txt").write_text(output, encoding="utf-8")


@pytest.fixture
def copy(finished: Checkout, tmp_path: Path) -> Checkout:
    """A copy of the finished checkout that may be changed."""
    shutil.copytree(finished.first, tmp_path / "checkout", symlinks=True)
    return Checkout(tmp_path / "checkout")
