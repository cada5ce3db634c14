"""kill -9 at random instants of every step and of both engines, and the same command again: `make faults`.

A trial is sound if the second run ends well, its result is that of an undisturbed run, and no file is left that such a
run does not leave. Of a step all processes are killed at once, as when a machine goes down; of an engine, in every
second trial, a single one of them, whichever it is, and the others are left to end. "Kept": the kill came after the
result was whole, and the command does not overwrite it. The counts go to reports/faults/kills.csv after each trial; the
table sums what that file holds of earlier runs.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from subprocess import Popen, TimeoutExpired
from threading import Lock

import psutil
from counts import read_counts, write_counts
from pipeline_checkout import Checkout
from steps import Undisturbed, bench, family, listing, start, undisturbed, written

OUTCOMES = ("killed", "ended before", "equal", "different", "kept", "refused", "left files")
STEPS = ["fetch", "prepare", "streets", "train", "evaluate", "latency", "report"]
ENGINES = ["snakemake", "dvc"]
ORDER = 2 * [*STEPS, "train", "evaluate", "latency", "report"] + ENGINES  # an engine takes as long as several steps
PATIENCE_S = 600.0  # for the others of a family of which one was killed


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--trials", type=int, default=200)
    options.add_argument("--minutes", type=float, default=30.0)
    options.add_argument("--jobs", type=int, default=2, help="trials at a time")
    options.add_argument("--seed", type=int, default=0, help="of the instants")
    options.add_argument("--steps", nargs="*", default=ORDER, help="in the order of their trials")
    options.add_argument("--out", type=Path, default=Path("reports/faults/kills.csv"))
    given = options.parse_args()
    ends = time.monotonic() + 60 * given.minutes
    counts = read_counts(given.out, 1)
    counting = Lock()
    with tempfile.TemporaryDirectory(prefix="hyperseg-faults.") as scratch, bench(Path(scratch)) as (checkout, address):
        steps = undisturbed(checkout, address, given.steps)

        def trial(number: int) -> None:
            if time.monotonic() > ends:
                return
            name = given.steps[number % len(given.steps)]
            chance = random.Random(1000 * given.seed + number)
            happened = attempt(checkout, steps[name], Path(scratch) / f"trial{number}", chance)
            with counting:
                counts.setdefault((name,), Counter()).update(["trials", *happened])
                write_counts(given.out, ("step",), ("trials", *OUTCOMES), counts)

        with ThreadPoolExecutor(given.jobs) as pool:
            list(pool.map(trial, range(given.trials)))
        print(write_counts(given.out, ("step",), ("trials", *OUTCOMES), counts))


def attempt(checkout: Checkout, known: Undisturbed, folder: Path, chance: random.Random) -> list[str]:
    """Kill the step at an instant, run it again; returns what happened."""
    step, out = known.step, folder / "out"
    alone = step.engine and chance.random() < 0.5
    first = start(checkout, step, out)
    try:
        first.wait(timeout=chance.random() * known.took_s)
        happened = ["ended before"]
    except TimeoutExpired:
        happened = ["killed"]
        kill_one(first, chance) if alone else kill_all(first)
    first.wait()
    if start(checkout, step, out).wait() != 0:
        if "never overwritten" in written(out) and step.result(out) == known.result and listing(out) == known.files:
            return [*happened, "kept"]
        print(f"refused: {' '.join(step.words[:3])}: {written(out)[-2000:]}", file=sys.stderr)
        return [*happened, "refused"]
    happened.append("equal" if step.result(out) == known.result else "different")
    if listing(out) != known.files:
        print(f"left: {sorted(listing(out) ^ known.files)}", file=sys.stderr)
        happened.append("left files")
    shutil.rmtree(folder)
    return happened


def kill_all(first: "Popen[bytes]") -> None:
    """Kill a step with all its processes."""
    found = family(first)
    groups = set()
    for one in found:
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            one.suspend()  # so that none starts another
            groups.add(os.getpgid(one.pid))
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
    psutil.wait_procs(found, timeout=PATIENCE_S)


def kill_one(first: "Popen[bytes]", chance: random.Random) -> None:
    """Kill one process of a step, and wait for the others to end in their way."""
    found = family(first)
    if found:
        with suppress(psutil.NoSuchProcess):
            chance.choice(found).kill()
        psutil.wait_procs(found, timeout=PATIENCE_S)


if __name__ == "__main__":
    main()
