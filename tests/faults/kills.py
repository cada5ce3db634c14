"""kill -9 at random instants of every step, and the same command again: `make faults [TRIALS=200] [MINUTES=30]`.

A trial is sound if the second run ends well, its result is that of an undisturbed run, and no file is left that such a
run does not leave. The counts go to reports/faults/kills.csv.
"""

import argparse
import csv
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pipeline_checkout import TINY, VARIANT, Checkout, copy_project

from hyperseg.records import LatencyNumbers, read_record

OUTCOMES = ("killed", "ended before", "equal", "different", "refused", "left files")


@dataclass(frozen=True)
class Step:
    """A command that makes OUT, `{out}` in its words, and what of OUT is the same in every undisturbed run."""

    words: tuple[str, ...]
    result: Callable[[Path], Any]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--trials", type=int, default=200)
    options.add_argument("--minutes", type=float, default=30.0)
    options.add_argument("--jobs", type=int, default=2, help="trials at a time")
    options.add_argument("--seed", type=int, default=0, help="of the instants")
    options.add_argument("--out", type=Path, default=Path("reports/faults/kills.csv"))
    given = options.parse_args()
    ends = time.monotonic() + 60 * given.minutes
    instants = random.Random(given.seed)
    counts: dict[str, Counter[str]] = {}
    with tempfile.TemporaryDirectory(prefix="hyperseg-faults.") as scratch:
        checkout = copy_project(Path(scratch) / "checkout")
        checkout.environment.pop("PYTHONDONTWRITEBYTECODE", None)
        checkout.environment |= {"PYTHONPYCACHEPREFIX": f"{scratch}/bytecode", "OMP_NUM_THREADS": "1"}
        checkout.configure(training={"epochs": 8})
        steps = undisturbed(checkout)
        names = list(steps)
        moments = [instants.random() for _ in range(given.trials)]

        def trial(number: int) -> tuple[str, list[str]] | None:
            if time.monotonic() > ends:
                return None
            name = names[number % len(names)]
            step, expected, files, took = steps[name]
            folder = Path(scratch) / f"trial{number}"
            return name, attempt(checkout, step, folder, expected, files, moments[number] * took)

        with ThreadPoolExecutor(given.jobs) as pool:
            for done in pool.map(trial, range(given.trials)):
                if done:
                    counts.setdefault(done[0], Counter()).update(done[1])
    write(given.out, counts)


def steps_in(base: Path) -> dict[str, Step]:
    """Every step, on the inputs that the undisturbed runs before it made under `base`."""
    data, training, config = f"--data={base}/streets", base / "train", "--config=config/demo.yaml"
    sizes = [f"--{key}={value}" for key, value in TINY["dataset"]["streets"].items()]  # type: ignore[index]
    weights = f"--weights={training}/weights.safetensors"
    records = [f"{base}/{name}" for name in ("train/train.json", "evaluate/record.json", "latency/record.json")]
    timed = ("--protocol=smoke", "--engine=eager", "--precision=float32", "--device=cpu", "--height=128", "--width=128")
    return {
        "streets": Step(("data", "streets", "--out={out}", *sizes), contents),
        "train": Step(("train", config, f"--variant={VARIANT}", "--seed=0", data, "--out={out}"), trained),
        "evaluate": Step(
            ("evaluate", weights, data, "--split=test", "--protocol=standard", config, "--out={out}/record.json"),
            scored,
        ),
        "latency": Step(
            ("latency", f"--variant={VARIANT}", weights, *timed, "--wait", "--out-file={out}/record.json"), measured
        ),
        "report": Step(("report", "--out={out}", "--title=T", f"--card={base}/streets/card.json", *records), contents),
    }


def undisturbed(checkout: Checkout) -> dict[str, tuple[Step, Any, set[str], float]]:
    """Each step with its result, its files and its seconds where nothing disturbs it."""
    base = checkout.folder.parent / "base"
    found = {}
    for name, step in steps_in(base).items():
        for _ in range(2):  # the second time with everything compiled
            shutil.rmtree(base / name, ignore_errors=True)
            started = time.monotonic()
            assert start(checkout, step, base / name).wait() == 0, name
        found[name] = (step, step.result(base / name), listing(base / name), time.monotonic() - started)
    return found


def start(checkout: Checkout, step: Step, out: Path) -> "subprocess.Popen[bytes]":
    out.parent.mkdir(parents=True, exist_ok=True)
    words = [word.replace("{out}", str(out)) for word in step.words]
    return subprocess.Popen(
        ["hyperseg", *words], cwd=checkout.folder, env=checkout.environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def attempt(checkout: Checkout, step: Step, folder: Path, expected: Any, files: set[str], instant: float) -> list[str]:
    """Kill the step with all its processes at an instant, run it again; returns what happened."""
    out = folder / "out"
    first = start(checkout, step, out)
    try:
        first.wait(timeout=instant)
        happened = ["ended before"]
    except subprocess.TimeoutExpired:
        happened = ["killed"]
    if first.poll() is None:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    if start(checkout, step, out).wait() != 0:
        return [*happened, "refused"]
    happened.append("equal" if step.result(out) == expected else "different")
    if listing(out) != files:
        happened.append("left files")
    shutil.rmtree(folder)
    return happened


def listing(folder: Path) -> set[str]:
    """Names of all files under a folder, and beside it what is named after it."""
    beside = {path.name for path in folder.parent.iterdir() if folder.name in path.name and path != folder}
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} | beside


def contents(folder: Path) -> dict[str, str]:
    return {name: sha256((folder / name).read_bytes()).hexdigest() for name in sorted(listing(folder))}


def trained(folder: Path) -> list[Any]:
    record = read_record(folder / "train.json")
    weights = sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    assert record.network.weights_sha256
    return [weights, record.network.weights_sha256]


def scored(folder: Path) -> Any:
    return json.loads(read_record(folder / "record.json").numbers.model_dump_json())


def measured(folder: Path) -> list[Any]:
    """Times differ from run to run; that there are as many, of the same weights, does not."""
    record = read_record(folder / "record.json")
    assert isinstance(record.numbers, LatencyNumbers)
    return [record.network.weights_sha256, record.numbers.engine, (folder / "record.parquet").is_file()]


def write(out: Path, counts: dict[str, Counter[str]]) -> None:
    rows = [
        [name, count["killed"] + count["ended before"], *(count[o] for o in OUTCOMES)] for name, count in counts.items()
    ]
    rows.append(["all", *(sum(column) for column in zip(*(row[1:] for row in rows), strict=True))])
    head = ["step", "trials", *OUTCOMES]
    for row in (head, *rows):
        print("".join(f"{cell!s:>14}" for cell in row))
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *rows])


if __name__ == "__main__":
    main()
