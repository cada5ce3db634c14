"""Checkouts in which the real engines run."""

from collections.abc import Callable

import pytest
from pipeline_checkout import Checkout, copy_project


@pytest.fixture(scope="session")
def new_checkout(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Checkout]:
    """Makes a fresh checkout in which nothing has run."""
    return lambda: copy_project(tmp_path_factory.mktemp("project") / "checkout")


@pytest.fixture(scope="session")
def finished(new_checkout: Callable[[], Checkout]) -> Checkout:
    """A checkout in which the whole pipeline has run once and DVC has recorded it, in a commit. Leave it as it is."""
    checkout = new_checkout()
    checkout.record_loaded()
    checkout.first_output = checkout.run()
    checkout.call("dvc", "commit", "--force")
    checkout.call("git", "add", "dvc.lock")
    checkout.call("git", "commit", "--quiet", "--message", "results")
    return checkout
