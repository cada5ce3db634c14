"""The packaged protocols say what the design says, and a wrong file is refused by name."""

from pathlib import Path

import pytest

from hyperseg.errors import UserError
from hyperseg.latency.protocol import load_protocol, parse_protocol, protocol_ids


def test_every_packaged_protocol_fits_the_schema_under_its_own_name() -> None:
    assert protocol_ids() == ["deploy", "paper", "scaling", "smoke", "throughput"]
    assert [load_protocol(name).id for name in protocol_ids()] == protocol_ids()
    assert [name for name in protocol_ids() if load_protocol(name).smoke] == ["smoke"]


def test_paper_times_the_copy_and_offers_both_batch_norm_readings() -> None:
    paper = load_protocol("paper")
    assert paper.stages == ["host_to_device", "forward"]
    assert set(paper.batch_norm.allowed) == {"folded", "deleted"}
    assert (paper.engines, paper.precisions, paper.tf32_allowed) == (["eager"], ["float32"], False)
    warm_up, length = paper.lengths("camvid")
    assert (warm_up.min_samples, length.min_samples, length.max_samples) == (233, 233, 233)
    assert paper.lengths("camvid", images=7)[1].min_samples == 7


def test_the_page_on_protocols_has_each_with_its_clock() -> None:
    page = (Path(__file__).parents[2] / "docs/protocols.md").read_text(encoding="utf-8")
    for protocol in map(load_protocol, protocol_ids()):
        sizes = " to ".join(str(size) for size in dict.fromkeys((protocol.batches[0], protocol.batches[-1])))
        reported = protocol.statistic.replace("_", " ")
        row = (f"`{protocol.id}` v{protocol.version}", ", ".join(protocol.stages), sizes, protocol.processes, reported)
        assert f"| {' | '.join(map(str, row))} |" in page


def test_paper_needs_to_know_the_split() -> None:
    with pytest.raises(UserError, match="--images"):
        load_protocol("paper").lengths("streets")


def test_deploy_starts_on_the_device_and_ends_with_the_class_map() -> None:
    deploy = load_protocol("deploy")
    assert deploy.stages == ["forward", "upsample", "argmax"]
    assert (deploy.length.min_seconds, deploy.length.min_samples) == (10, 64)
    assert (deploy.warm_up.tolerance_percent, deploy.processes) == (1.0, 3)


@pytest.mark.parametrize(("median_ms", "needed"), [(19.9, 1024), (20.0, 64), (500.0, 64)])
def test_short_samples_need_more_of_them(median_ms: float, needed: int) -> None:
    assert load_protocol("deploy").length.samples_needed(median_ms) == needed


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("id: x\nbogus: 1", "'version' in"),
        ("id: [", "is not YAML at line 1"),
        ("3", "a mapping of keys is needed"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_its_name(text: str, what: str) -> None:
    with pytest.raises(UserError, match=r"latency protocol mine\.yaml") as caught:
        parse_protocol(text, "mine.yaml")
    assert what in str(caught.value)
