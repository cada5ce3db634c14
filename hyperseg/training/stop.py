"""Ctrl-C and SIGTERM: a training ends at a whole step, with its state saved."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


class StopAsked(Exception):
    """Raised inside a long wait that may be left at any time."""


class TrainingInterrupted(Exception):
    """A training that was stopped by a signal; the text says how to go on."""

    def __init__(self, signum: int, text: str) -> None:
        super().__init__(text)
        self.signum = signum


class StopSignals:
    """Context manager that notes the first of the signals; a second one acts as it always does.

    With `together`, where several processes must stop at the same step, it only notes, as often as signals come. In a
    thread other than the main one, where Python delivers no signals, it does nothing.
    """

    def __init__(self, together: bool = False) -> None:
        self.together = together
        self.received: int | None = None
        self._waiting = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "StopSignals":
        if threading.current_thread() is threading.main_thread():
            self._before = {signum: signal.signal(signum, self._note) for signum in NAMES}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    @property
    def name(self) -> str:
        """The signal, as a person calls it."""
        return "another process" if self.received is None else NAMES[signal.Signals(self.received)]

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Inside, a signal raises :class:`StopAsked` where it comes: for waits that leave no half-done state."""
        if self.together:
            yield
            return
        if self.received is not None:
            raise StopAsked
        self._waiting = True
        try:
            yield
        finally:
            self._waiting = False

    def _note(self, signum: int, frame: FrameType | None) -> None:
        self.received = signum
        if self.together:
            return
        self._restore()
        if self._waiting:
            self._waiting = False
            raise StopAsked

    def _restore(self) -> None:
        for signum, handler in self._before.items():
            signal.signal(signum, handler)
        self._before = {}
