"""Fresh processes: start one per measurement, follow its events, turn its end into a result or one sentence."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from hyperseg.errors import UserError
from hyperseg.latency.job import Job, Result

Follow = Callable[[dict[str, Any]], None]  # gets every phase and progress event

SIGKILL = -9


class OutOfMemoryError(UserError):
    """The device's memory did not suffice; a sweep ends there, a single number is refused."""


def run_in_fresh_process(job: Job, follow: Follow | None = None) -> Result:
    """Run `job` in a new interpreter.

    Raises :class:`UserError` for what the process refused, :class:`OutOfMemoryError`, or RuntimeError with the
    process's traceback for a bug of this package. The process is ended with this call, however that ends.
    """
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "hyperseg.latency.worker", str(writing)]
    with tempfile.TemporaryFile() as output, os.fdopen(reading) as events:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, pass_fds=[writing]
        )
        os.close(writing)
        try:
            assert process.stdin is not None
            process.stdin.write(job.model_dump_json().encode())
            process.stdin.close()
            last = _follow(events, follow)
            code = process.wait()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        output.seek(0)
        said = output.read().decode(errors="replace")
    if "result" in last:
        return Result.model_validate(last["result"])
    raise _failure(job, last, code, said)


def _follow(events: Any, follow: Follow | None) -> dict[str, Any]:
    last: dict[str, Any] = {}
    for line in events:
        last = json.loads(line)
        if follow is not None and last["event"] in {"phase", "progress"}:
            follow(last)
    return last


def _failure(job: Job, last: dict[str, Any], code: int, said: str) -> Exception:
    """Why there is no result, from the last event, the exit code and what was written to the terminal."""
    event, message = last.get("event"), last.get("message", "")
    if event == "refused":
        return UserError(message)
    if event == "out_of_memory" or (event != "crashed" and code == SIGKILL):
        return OutOfMemoryError(
            f"too little memory on {job.device} for {job.subject.title} at batch {job.batch}, "
            f"{job.height} x {job.width} with engine {job.engine}; choose a smaller batch or input"
        )
    return RuntimeError(f"the timed process ended with code {code}\n{message}{said}")
