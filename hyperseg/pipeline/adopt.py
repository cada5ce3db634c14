"""Take over recorded results in a fresh clone, or after going back to an older commit: nothing is computed again."""

import json
import os
import subprocess
import sys
from pathlib import Path

from hyperseg.errors import UserError
from hyperseg.pipeline.campaign import load_campaign
from hyperseg.pipeline.lock import run_lock
from hyperseg.pipeline.steps import Layout

CAMPAIGN = Path("config/demo.yaml")  # the campaign that dvc.yaml remembers


def adopt(pull: bool = True) -> list[str]:
    """``dvc pull``, then, only if ``dvc status`` is clean, ``snakemake --touch --forceall``.

    Returns the latency records that this machine lacks: another machine's are kept, never passed off as ours. Raises
    :class:`UserError` where nothing was recorded, nothing can be pulled, or what came does not fit this checkout.
    """
    if not Path("Snakefile").is_file():
        raise UserError(f"there is no Snakefile in {Path.cwd()}; run this command in the repository's root folder")
    if not Path("dvc.lock").is_file():
        raise UserError("there is no dvc.lock, so no results were recorded in this commit; make them with `make demo`")
    layout = Layout.here(load_campaign(CAMPAIGN))
    with run_lock():
        if pull:
            done = _call("dvc", "pull")
            if done.returncode:
                raise UserError(f"dvc pull did not bring the recorded results: {_reason(done)}; see `dvc remote list`")
        _refuse_stale()
        missing = [record for record in layout.all_latencies() if not Path(record).is_file()]
        done = _call("snakemake", "--configfile", str(CAMPAIGN), "--touch", "--forceall", "--quiet")
        if done.returncode:
            raise UserError(f"snakemake could not take the results over: {_reason(done)}; `make demo` makes them anew")
    return missing


def _refuse_stale() -> None:
    done = _call("dvc", "status", "--json")
    if done.returncode:
        raise UserError(f"dvc status failed: {_reason(done)}; see `dvc doctor`")
    stale = json.loads(done.stdout or "{}")
    if stale:
        named = ", ".join(list(stale)[:5]) + (f" and {len(stale) - 5} more" if len(stale) > 5 else "")
        raise UserError(
            f"the recorded results do not fit this checkout ({named}); check out the commit that they belong to, "
            "or bring them up to date with `make demo`"
        )


def _call(*command: str) -> "subprocess.CompletedProcess[str]":
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, env=os.environ | {"PATH": path}
    )


def _reason(done: "subprocess.CompletedProcess[str]") -> str:
    """The line that tells most of what a failed command wrote."""
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    told = [line for line in lines if "error" in line.lower()] or lines
    return told[-1].removeprefix("ERROR: ") if told else f"exit code {done.returncode}"
