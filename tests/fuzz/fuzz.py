"""Coverage-guided fuzzing of the readers with atheris: `make fuzz [MINUTES=10]`.

Each reader in turn gets its share of the minutes in a process of its own, and goes on from the inputs that earlier
runs kept. What ends one is written to a file, whose bytes are the case for a test. Counts go to reports/faults/fuzz.csv
after each reader; the table sums what that file holds of earlier runs.
"""

import argparse
import re
import subprocess
import sys
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

from counts import read_counts, write_counts

NAMES = ("archive", "picture", "record", "campaign")
COLUMNS = ("runs", "seconds", "inputs", "faults")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--kept", type=Path, default=Path(".hypothesis/fuzz"), help="folder for inputs that are kept")
    options.add_argument("--out", type=Path, default=Path("reports/faults/fuzz.csv"))
    options.add_argument("--one", choices=NAMES, help="this one, here")
    given = options.parse_args()
    if find_spec("atheris") is None:
        sys.exit("error: coverage-guided fuzzing needs atheris; install it with `uv pip install atheris`")
    if given.one:
        run_one(given.one, 60 * given.minutes, given.kept)
    counts = read_counts(given.out, 1)
    failed = False
    for name in NAMES:
        began = time.monotonic()
        words = [f"--one={name}", f"--minutes={given.minutes / len(NAMES)}", f"--kept={given.kept}"]
        done = subprocess.run([sys.executable, __file__, *words], capture_output=True, text=True)
        # Its count at the end, or, where an input ended it, the last one that it printed.
        inputs = max((int(number) for number in re.findall(r"^(?:Done |#)(\d+)", done.stderr, re.MULTILINE)), default=0)
        fault = done.returncode != 0
        failed |= fault
        found = {"runs": 1, "seconds": round(time.monotonic() - began), "inputs": inputs, "faults": int(fault)}
        counts.setdefault((name,), Counter()).update(found)
        table = write_counts(given.out, ("reader",), COLUMNS, counts)
        ended = f", ended with {done.returncode}: {done.stderr[-1500:]}" if fault else ""
        print(f"{name}: {inputs} inputs{ended}", flush=True)
    print(table)
    sys.exit(failed)


def run_one(name: str, seconds: float, kept: Path) -> None:
    """Fuzz one reader, and end the process."""
    import atheris

    with atheris.instrument_imports(include=["hyperseg", "yaml", "zipfile", "tarfile", "json", "PIL"]):
        from targets import TARGETS

    reader, sound = TARGETS[name]
    corpus = kept / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(sound):
        (corpus / f"sound{number}").write_bytes(data)
    limits = [f"-max_total_time={round(seconds)}", "-timeout=60", "-rss_limit_mb=4096", "-max_len=65536"]
    atheris.Setup([sys.argv[0], str(corpus), *limits, f"-artifact_prefix={kept}/{name}-"], reader)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
