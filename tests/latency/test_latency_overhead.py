"""What the check of the sampling's cost says; it runs for real on a small network."""

import pytest

from hyperseg.latency.request import Request
from hyperseg.latency.sampling_overhead import Change, check
from hyperseg.latency.subjects import PeerSpec


@pytest.mark.parametrize(
    ("low", "high", "finding"),
    [
        (-0.3, 0.4, "within the 1 % allowed"),
        (-0.3, 1.4, "too noisy to tell from the 1 % allowed"),
        (1.2, 3.0, "MORE than the 1 % allowed"),
    ],
)
def test_only_an_interval_inside_the_bound_is_allowed(low: float, high: float, finding: str) -> None:
    assert finding in Change("the wall clock", 10.0, 10.0, (low + high) / 2, low, high).sentence()


@pytest.mark.usefixtures("own_locks")
def test_the_check_runs_both_ways() -> None:
    subject = PeerSpec(peer="lraspp-mobilenet-v3", num_classes=12)
    found = check(Request(subject, "smoke", "eager", "test", 64, 64), pairs=3, block_seconds=0.1)
    assert found.runs >= 3
    assert found.wall.with_ms >= found.cpu.with_ms * 0.5  # one thread's CPU time cannot be far over the wall's
    assert 0 < found.thread_percent < 100
    assert "3 pairs of blocks" in found.report()
