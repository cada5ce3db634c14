"""Calls of the two engines' commands, and what a failed one said."""

import os
import subprocess
import sys
from pathlib import Path

from hyperseg.errors import UserError


def require_root() -> None:
    """Raise :class:`UserError` unless the working directory is the root of a checkout."""
    if not Path("Snakefile").is_file():
        raise UserError(f"there is no Snakefile in {Path.cwd()}; run this command in the repository's root folder")


def call(*command: str) -> "subprocess.CompletedProcess[str]":
    """Run ``python -m COMMAND`` of this environment, whether or not it is activated."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, env=os.environ | {"PATH": path}
    )


def reason(done: "subprocess.CompletedProcess[str]") -> str:
    """The line that says most of what a failed command wrote."""
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    found = [line for line in lines if "error" in line.lower()] or lines
    return found[-1].removeprefix("ERROR: ") if found else f"exit code {done.returncode}"
