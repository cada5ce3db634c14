"""What a person sees while a network trains: one live line on a terminal, plain lines elsewhere."""

import sys
import time
from datetime import timedelta
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

PLAIN_INTERVAL_S = 30.0


class TrainingProgress:
    """Shows epoch, loss, learning rate, images per second and the time left, on stderr. A context manager."""

    def __init__(self, title: str, epochs: int, steps: int, batch: int, speaks: bool = True) -> None:
        self.speaks = speaks  # False: silent, as all but one of several processes are
        self.title, self.epochs, self.steps, self.batch = title, epochs, steps, batch
        console = Console(file=sys.stderr)
        self.live = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=False),
            console=console,
        ) if console.is_terminal and speaks else None  # fmt: skip
        self.task = self.live.add_task(title, total=steps, state="") if self.live else None
        self.started = self.shown = time.monotonic()
        self.first: int | None = None  # steps that were done before, in an interrupted training

    def __enter__(self) -> "TrainingProgress":
        if self.live:
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live:
            self.live.stop()

    def step(self, done: int, epoch: int, loss: float, learning_rate: float) -> None:
        """Show that `done` steps are done; `loss` is the running mean of the epoch."""
        now = time.monotonic()
        elapsed = now - self.started
        if self.first is None:
            self.first = done - 1
        steps = done - self.first
        rate = steps * self.batch / elapsed if elapsed > 0 else 0.0
        state = f"epoch {epoch + 1}/{self.epochs}  loss {loss:.4f}  lr {learning_rate:.2e}  {rate:.1f} images/s"
        if self.live and self.task is not None:
            self.live.update(self.task, completed=done, state=state)
        elif self.speaks and (now - self.shown >= PLAIN_INTERVAL_S or done == self.steps):
            self.shown = now
            left = timedelta(seconds=round(elapsed / steps * (self.steps - done)))
            print(f"{self.title}  step {done}/{self.steps}  {state}  left {left}", file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        """One lasting line, above the live one."""
        if self.live:
            self.live.console.print(text, highlight=False)
        elif self.speaks:
            print(text, file=sys.stderr, flush=True)
