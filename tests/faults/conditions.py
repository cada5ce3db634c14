"""Faults that are no kills: `make faults`.

A disk that is full or read-only, permissions, memory, a clock that is set back, a file changed while it is read, a dead
worker, a lost device, and the same or another run at the same time. A trial holds if the step ends well and its result
is that of an undisturbed run, or if it ends with exit code 2 and one sentence and leaves nothing half-written; and if,
with the fault gone, the same command makes what an undisturbed run makes. Counts go to reports/faults/conditions.csv;
the table sums what that file holds of earlier runs.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from counts import read_counts, write_counts
from disturbances import DISTURBANCES
from steps import bench, undisturbed
from trial import Fail, Skip, Trial

OUTCOMES = ("trials", "held", "not held", "skipped")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=20.0)
    options.add_argument("--rounds", type=int, default=1, help="of all faults, at other instants each")
    options.add_argument("--only", nargs="*", help="names of faults")
    options.add_argument("--steps", nargs="*", help="steps to try them on")
    options.add_argument("--seed", type=int, default=0, help="of the instants")
    options.add_argument("--out", type=Path, default=Path("reports/faults/conditions.csv"))
    given = options.parse_args()
    ends = time.monotonic() + 60 * given.minutes
    counts = read_counts(given.out, 2)
    chosen = {
        name: (disturb, [step for step in steps if not given.steps or step in given.steps])
        for name, (disturb, steps) in DISTURBANCES.items()
        if not given.only or name in given.only
    }
    needed = list(dict.fromkeys(step for _, steps in chosen.values() for step in steps))
    with tempfile.TemporaryDirectory(prefix="hyperseg-faults.") as scratch, bench(Path(scratch)) as (checkout, address):
        known = undisturbed(checkout, address, needed)
        for number in range(given.rounds):
            for name, (disturb, steps) in chosen.items():
                for step in steps:
                    if time.monotonic() > ends:
                        continue
                    chance = random.Random(f"{given.seed} {number} {name} {step}")
                    folder = Path(scratch) / f"{name}-{step}-{number}".replace(" ", "-")
                    try:
                        disturb(Trial(checkout, known[step], folder, chance))
                        happened = "held"
                    except Skip as reason:
                        happened = "skipped"
                        print(f"skipped: {name}, {step}: {reason}", file=sys.stderr)
                    except Fail as reason:
                        happened = "not held"
                        print(f"not held: {name}, {step}: {reason}", file=sys.stderr)
                    counts.setdefault((name, step), Counter()).update(["trials", happened])
                    write_counts(given.out, ("fault", "step"), OUTCOMES, counts)
        print(write_counts(given.out, ("fault", "step"), OUTCOMES, counts))


if __name__ == "__main__":
    main()
