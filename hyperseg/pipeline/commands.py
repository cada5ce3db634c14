"""Calls of Snakemake and DVC, and the reason of a failed one."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from hyperseg.errors import UserError


def require_root() -> None:
    """Raise :class:`UserError` unless the working directory is the root of a checkout."""
    if not Path("Snakefile").is_file():
        raise UserError(f"there is no Snakefile in {Path.cwd()}; run this command in the repository's root folder")


def call(*command: str) -> "subprocess.CompletedProcess[str]":
    """Run ``python -m COMMAND`` of this environment, whether or not it is activated."""
    return _run("-m", *command)


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=os.environ | {"PATH": path})


def reason(done: "subprocess.CompletedProcess[str]") -> str:
    """The most telling line of a failed command's output."""
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    # DVC's own sentence, and not the address of its explanation below, https://error.dvc.org
    named = [line for line in lines if line.startswith("ERROR: ")]
    found = named or [line for line in lines if "error" in line.lower()] or lines
    return found[-1].removeprefix("ERROR: ").rstrip(":") if found else f"exit code {done.returncode}"


# Snakemake formats each job's shell command three times for its log: a seventh of a plan's time, never shown.
PLAN = """
from snakemake.cli import main
from snakemake.jobs import Job
Job.shellcmd = None
main()
"""

# Snakemake waits 0.1 s before it touches a job's results, for file systems with coarse times.
# Equal times do no harm here, and a thousand jobs need not wait.
_TOUCH = """
from snakemake.cli import main
from snakemake.executors.touch import Executor
Executor.SLEEPING_TIME = 0.0
main()
"""
# Nothing is computed, so jobs are touched a hundred at a time, whatever cores and GPUs they name: before each round the
# scheduler looks at all that is left.
_ALL_AT_ONCE = (
    *("--cores", "1000", "--max-threads", "1", "--resources", "gpu=1000", "mem_mb=1000000000"),
    *("--scheduler-subsample", "100"),
)


def touch(config: Path, *targets: str, options: Iterable[str] = ()) -> "subprocess.CompletedProcess[str]":
    """Let Snakemake take the results of `targets` for up to date, or of the whole campaign where there are none."""
    chosen = ["--", *targets] if targets else ["--forceall"]
    quietly = ("--touch", "--quiet", "--nolock")
    return _run("-c", _TOUCH, f"--configfile={config}", *options, *_ALL_AT_ONCE, *quietly, *chosen)
