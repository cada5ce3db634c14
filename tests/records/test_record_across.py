"""Records that speak of one thing must say the same of it."""

from pathlib import Path

import pytest
from record_factory import evaluation, latency, network, training, write

from hyperseg.records import Record
from hyperseg.records.verify import verify

NET = network("camvid_hyperseg_s")


def problems(folder: Path, *records: Record) -> list[str]:
    paths = write(folder, {f"{place}.json": record for place, record in enumerate(records)})
    assert paths
    return [problem for one in verify([folder]) for problem in one.problems]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"backbone": "tf_efficientnet_lite1"}, "network.backbone is tf_efficientnet_lite1, but tf_efficientnet_b1 in"),
        ({"parameters": 5}, "network.parameters is 5, but 1000002 in"),
        ({"num_classes": 12}, "network.num_classes is 12, but 11 in"),
    ],
)
def test_one_hash_of_weights_is_one_network(tmp_path: Path, change: dict[str, object], named: str) -> None:
    assert problems(tmp_path / "same", training(net=NET), evaluation(net=NET)) == []
    found = problems(tmp_path / "other", training(net=NET), evaluation(net=NET.model_copy(update=change)))
    assert any(named in problem and problem.endswith("of the same weights") for problem in found)


def test_one_version_is_one_dataset(tmp_path: Path) -> None:
    scored = evaluation()
    assert scored.dataset
    renamed = scored.model_copy(update={"dataset": scored.dataset.model_copy(update={"id": "camvid_authors12"})})
    [found] = problems(tmp_path, scored, renamed)
    assert found.startswith("dataset.id is camvid_authors12, but streets in")


def test_one_network_at_one_input_has_one_count_of_operations(tmp_path: Path) -> None:
    timed = latency(net=network("camvid_hyperseg_s", weights=None, gmacs=1.5))
    fewer = latency(net=network("camvid_hyperseg_s", weights=None, gmacs=1.4), engine="native")
    [found] = problems(tmp_path, timed, fewer)
    assert found.startswith("network.gmacs is 1.4, but 1.5 in")
