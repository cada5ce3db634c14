"""The live view of a run: a bar and one line per running job on a terminal, plain lines elsewhere."""

import sys
import textwrap
import time
from types import TracebackType
from typing import Any, Literal

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hyperseg.pipeline.progress import Job, Progress, clock, last_lines

LINES_OF_A_FAILURE = 15
PLAIN_INTERVAL_S = 30.0
REASON_CHARACTERS = 200


class Display:
    """A context manager; `update` is called with every event and in between.

    Of a dry run it shows the "plan", or is "silent".
    """

    def __init__(self, progress: Progress, shows: Literal["run", "plan", "silent"] = "run") -> None:
        self.progress, self.shows = progress, shows
        self.console = Console(file=sys.stderr, highlight=False)
        moves = shows == "run" and self.console.is_terminal
        self.live = Live(console=self.console, auto_refresh=False, transient=True) if moves else None
        self.started = self.shown = time.monotonic()

    def __enter__(self) -> "Display":
        if self.live:
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live:
            self.live.update("", refresh=True)
            self.live.stop()

    def update(self, event: dict[str, Any] | None, ended: Job | None) -> None:
        """Show what changed; `ended` is the job that the event ended."""
        if self.shows != "run":
            if self.shows == "plan" and event:
                self._plan(event)
            return
        if event and event["event"] == "run_info" and self.progress.total:
            steps = ", ".join(f"{count} {rule}" for rule, count in self.progress.planned.items())
            self.console.print(f"{self.progress.total} steps to do: {steps}", soft_wrap=True)
        elif event and ended and event["event"] == "job_finished":
            seconds = self.progress.finished[-1][1]
            left = self.progress.left_s()
            about = f", about {clock(left)} left" if self.progress.done < self.progress.total else ""
            counted = f"[{self.progress.done}/{self.progress.total}]"
            self.console.print(f"{counted} {ended.name}: {clock(seconds)}{about}", markup=False, soft_wrap=True)
            self.shown = time.monotonic()
        elif event and ended and event["event"] == "job_error":
            self._failure(ended)
        if self.live and self.progress.total:
            self.live.update(self._view(), refresh=True)
        elif not self.live and self.progress.running and time.monotonic() - self.shown > PLAIN_INTERVAL_S:
            self.shown = time.monotonic()
            for job in self.progress.running.values():
                self.console.print(f"    {job.name}: {job.state() or 'running'}", markup=False, soft_wrap=True)

    def _plan(self, event: dict[str, Any]) -> None:
        """A line for each job; without rich, which takes longer over ten thousand lines than the engine."""
        if event["event"] == "job_info" and event["jobid"] in self.progress.running:
            job = self.progress.running[event["jobid"]]
            reason = textwrap.shorten(str(event["reason"]), REASON_CHARACTERS, placeholder=" ...")
            print(f"{job.name}: {reason}", file=sys.stderr)

    def _failure(self, job: Job) -> None:
        lines = last_lines(job.log, LINES_OF_A_FAILURE)
        if lines and lines[-1].startswith("error: "):
            lines = lines[-1:]
        self.console.print(f"{job.name} failed; the end of {job.log}:", style="bold red", markup=False, soft_wrap=True)
        for line in lines:
            self.console.print(f"    {line}", markup=False, soft_wrap=True)

    def _view(self) -> RenderableType:
        """The bar, and what runs."""
        progress = self.progress
        head = Table.grid(padding=(0, 1))
        elapsed = clock(time.monotonic() - self.started)
        head.add_row(
            ProgressBar(total=progress.total, completed=progress.done, width=30),
            f"{progress.done}/{progress.total} steps",
            f"{elapsed} gone, about {clock(progress.left_s())} left",
        )
        jobs = Table.grid(padding=(0, 2))
        now = time.monotonic()
        for job in progress.running.values():
            state = Text(job.state().split("  ", 1)[-1], style="dim", overflow="ellipsis", no_wrap=True)
            jobs.add_row(job.name, clock(now - job.started), state)
        return Group(head, jobs)
