"""The authors' network as one more subject of the laboratory: its place, its engine, and what is no checkout."""

from pathlib import Path

import pytest

from hyperseg.cli.latency import _requests as requests_of
from hyperseg.cli.latency import command
from hyperseg.errors import UserError
from hyperseg.latency.request import record_path
from hyperseg.latency.subjects import AuthorsSpec


def test_the_authors_network_is_timed_eager_beside_every_engine_of_ours() -> None:
    asked = ["--variant", "camvid_hyperseg_s", "--authors", "checkout", "--engine", "eager", "--engine", "compile"]
    requests = requests_of(command.make_context("latency", asked).params)
    assert [(request.subject.kind, request.engine) for request in requests] == [
        ("variant", "eager"),
        ("variant", "compile"),
        ("authors", "eager"),
    ]
    paths = [record_path(request) for request in requests]
    assert paths[2] == Path("authors/deploy-cpu-eager-float32.json")
    assert len(set(paths)) == 3


def test_a_folder_that_is_no_checkout_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a checkout of the authors' repository; clone"):
        AuthorsSpec(checkout=tmp_path, variant="camvid_hyperseg_s").build()
