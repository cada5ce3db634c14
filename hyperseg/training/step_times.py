"""How long steps take: by the wall clock on a CPU, by events on a GPU, where the host only starts the steps."""

import time
from collections import deque

import torch


class StepTimes:
    """Times one step after the other and makes nothing wait: a GPU's times become known some steps later."""

    def __init__(self, device: torch.device) -> None:
        self.on_gpu = device.type == "cuda"
        self._started: float | torch.cuda.Event = 0.0
        self._running: deque[tuple[torch.cuda.Event, torch.cuda.Event]] = deque()

    def start(self) -> None:
        """A step begins."""
        self._started = _event() if self.on_gpu else time.perf_counter()

    def stop(self) -> list[float]:
        """The step has ended, or on a GPU all of it was started. The milliseconds that have become known, in order."""
        if isinstance(self._started, float):
            return [1000 * (time.perf_counter() - self._started)]
        self._running.append((self._started, _event()))
        return self._known()

    def drain(self) -> list[float]:
        """The times that are still on the way."""
        if self._running:
            self._running[-1][1].synchronize()
        return self._known()

    def _known(self) -> list[float]:
        known = []
        while self._running and self._running[0][1].query():
            began, ended = self._running.popleft()
            known.append(began.elapsed_time(ended))
        return known


def _event() -> torch.cuda.Event:
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event
