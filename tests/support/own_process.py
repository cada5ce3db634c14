"""The command line in a process of its own, as a user starts it."""

import subprocess
import sys
from pathlib import Path

_CODE = "import sys; from hyperseg.cli import main; sys.argv[0] = 'hyperseg'; main()"


def hyperseg(*arguments: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", _CODE, *arguments], capture_output=True, text=True, cwd=cwd)
