"""Times of steps: of a GPU's by its events, with a stand-in for them, whatever the host does meanwhile."""

import pytest
import torch

from hyperseg.training.step_times import StepTimes


class Event:
    """Recorded in order, at the milliseconds of `clock`; the GPU has passed those before `reached`."""

    clock = 0.0
    reached = 0.0

    def __init__(self, enable_timing: bool) -> None:
        assert enable_timing

    def record(self) -> None:
        self.at = Event.clock

    def query(self) -> bool:
        return self.at <= Event.reached

    def synchronize(self) -> None:
        Event.reached = self.at

    def elapsed_time(self, other: "Event") -> float:
        return other.at - self.at


def test_a_gpus_steps_have_the_times_of_their_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """In order, none twice, each as soon as the GPU has ended it."""
    monkeypatch.setattr(torch.cuda, "Event", Event)
    Event.clock = Event.reached = 0.0
    times, known = StepTimes(torch.device("cuda")), list[list[float]]()
    for step in range(1, 5):
        Event.clock += 100  # the wait for its batch
        times.start()
        Event.clock += step
        Event.reached = 206 if step == 3 else Event.reached  # the host is ahead
        known.append(times.stop())
    assert known == [[], [], [1.0, 2.0], []]
    assert times.drain() == [3.0, 4.0]
    assert times.drain() == []


def test_a_cpus_step_is_known_at_once() -> None:
    times = StepTimes(torch.device("cpu"))
    for _ in range(2):
        times.start()
        (milliseconds,) = times.stop()
        assert 0 < milliseconds < 1000
    assert times.drain() == []
