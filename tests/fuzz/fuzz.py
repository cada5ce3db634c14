"""Coverage-guided fuzzing of the readers with atheris: `make fuzz [MINUTES=10]`.

Each reader in turn gets its share of the minutes in a process of its own. What ends one is written to a file, whose
bytes are the case for a test.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

NAMES = ("archive", "picture", "record", "campaign")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--found", type=Path, default=Path(".hypothesis/fuzz"), help="folder for what ends a reader")
    options.add_argument("--one", choices=NAMES, help="this one, here")
    options.add_argument("--corpus", type=Path)
    given = options.parse_args()
    if find_spec("atheris") is None:
        sys.exit("error: coverage-guided fuzzing needs atheris; install it with `uv pip install atheris`")
    if given.one:
        run_one(given.one, 60 * given.minutes, given.corpus, given.found)
    failed = []
    for name in NAMES:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as corpus:
            share = given.minutes / len(NAMES)
            words = [f"--one={name}", f"--minutes={share}", f"--corpus={corpus}", f"--found={given.found}"]
            done = subprocess.run([sys.executable, __file__, *words], capture_output=True, text=True)
            kept = len(list(Path(corpus).iterdir()))
        counted = re.findall(r"^Done (\d+) runs|^#(\d+)", done.stderr, re.MULTILINE)
        runs = "".join(counted[-1]) if counted else "no"
        outcome = "held" if done.returncode == 0 else f"ended with {done.returncode}: {done.stderr[-1500:]}"
        took = f"{time.monotonic() - began:.0f} s"
        print(f"{name}: {runs} inputs in {took}, {kept} kept for what they reach, {outcome}", flush=True)
        failed += [name] if done.returncode else []
    sys.exit(bool(failed))


def run_one(name: str, seconds: float, corpus: Path, found: Path) -> None:
    """Fuzz one reader, and end the process."""
    import atheris

    with atheris.instrument_imports(include=["hyperseg", "yaml", "zipfile", "tarfile", "json", "PIL"]):
        from targets import TARGETS

    reader, sound = TARGETS[name]
    for number, data in enumerate(sound):
        (corpus / f"sound{number}").write_bytes(data)
    found.mkdir(parents=True, exist_ok=True)
    limits = [f"-max_total_time={round(seconds)}", "-timeout=60", "-rss_limit_mb=4096", "-max_len=65536"]
    atheris.Setup([sys.argv[0], str(corpus), *limits, f"-artifact_prefix={found}/{name}-"], reader)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
