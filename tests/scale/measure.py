"""How long planning, a run with nothing to do and `hyperseg adopt` take for many steps: `make scale`.

The results are made-up records and empty files, in a checkout of its own; both engines run for real.
"""

import argparse
import csv
import shutil
import tempfile
import time
from pathlib import Path

import yaml
from pipeline_checkout import TINY, Checkout, copy_project
from record_factory import VARIANTS, evaluation, latency, network, training

from hyperseg.pipeline.campaign import parse_campaign
from hyperseg.pipeline.steps import Layout
from hyperseg.records import Record, write_record

GOALS_S = {"plan": 20.0, "nothing to do": 5.0, "adopt": 10.0}
TABLES = ("coverage", "summary", "accuracy", "training", "durations")
REPORT = ("index.html", "metrics.json", "figures/tradeoff.svg", *(f"tables/{name}.csv" for name in TABLES))
STEPS_PER_SEED = 3  # a training and two evaluations, of each variant


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--steps", type=int, default=1_000, help="of the finished campaign")
    options.add_argument("--planned", type=int, default=10_000, help="steps of the campaign that is planned alone")
    options.add_argument("--out", type=Path, help="a CSV file for the figures")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="hyperseg-scale.") as folder:
        checkout = copy_project(Path(folder) / "checkout")
        # As where Python keeps the bytecode of what it has loaded once.
        checkout.environment.pop("PYTHONDONTWRITEBYTECODE", None)
        checkout.environment["PYTHONPYCACHEPREFIX"] = f"{folder}/bytecode"
        figures = measure(checkout, given.steps, given.planned)
    for what, (steps, seconds) in figures.items():
        print(f"{what:15} {steps:6} steps {seconds:6.1f} s, goal {GOALS_S[what]:g} s")
    if given.out:
        rows = [(what, steps, f"{seconds:.1f}", GOALS_S[what]) for what, (steps, seconds) in figures.items()]
        with given.out.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([("what", "steps", "seconds", "goal_s"), *rows])


def measure(checkout: Checkout, steps: int, planned: int) -> dict[str, tuple[int, float]]:
    """Seconds of each command, and the steps of the campaign that it was given."""
    made = finish(checkout, steps)
    seconds(checkout, "hyperseg", "run", "config/demo.yaml")
    figures = {"nothing to do": (made, seconds(checkout, "hyperseg", "run", "config/demo.yaml"))}
    shutil.rmtree(checkout.folder / ".snakemake")  # a fresh clone, after `dvc pull`
    figures["adopt"] = (made, seconds(checkout, "hyperseg", "adopt", "--no-pull"))
    wanted = configure(checkout, "many", planned)
    figures["plan"] = (wanted, seconds(checkout, "hyperseg", "run", "config/many.yaml", "--dry-run"))
    return figures


def configure(checkout: Checkout, name: str, steps: int) -> int:
    """Write a campaign of about so many steps; returns how many."""
    seeds = steps // (STEPS_PER_SEED * len(VARIANTS))
    values = TINY | {
        "campaign": name,
        "variants": list(VARIANTS),
        "seeds": list(range(seeds)),
        "training": TINY["training"] | {"crop_hw": [256, 256]},  # type: ignore[operator]
        "evaluation": {"protocols": ["paper", "standard"], "split": "test", "input_hw": [256, 256]},
        "latency": TINY["latency"] | {"input_hw": [256, 256]},  # type: ignore[operator]
        "report": {"title": "Many steps"},
    }
    checkout.write(f"config/{name}.yaml", yaml.safe_dump(values))
    campaign = parse_campaign(values, name)
    return len(Layout(campaign, "cpu", "0" * 12).records()) + 2  # the dataset and the report


def finish(checkout: Checkout, steps: int) -> int:
    """A checkout in which that campaign seems to have run, recorded by DVC."""
    count = configure(checkout, "demo", steps)
    checkout.call("hyperseg", "data", "streets", "--out=data/streets", *sizes())
    campaign = parse_campaign(yaml.safe_load(checkout.read("config/demo.yaml")), "demo")
    layout = Layout.here(campaign)
    for name in layout.records():
        path = checkout.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_record(path, stand_in(path, path.relative_to(checkout.folder / "results/runs/demo").parts[0]))
        for suffix in {"e": (".npz",), "t": (), "s": (".parquet",)}[path.name[0]]:
            path.with_suffix(suffix).write_bytes(name.encode())
        if path.name == "train.json":
            path.with_name("weights.safetensors").write_bytes(name.encode())
    for folder in ("tables", "figures"):
        (checkout.folder / layout.report / folder).mkdir(parents=True)
    for name in (*(f"{layout.report}/{name}" for name in REPORT), *layout.markers()):
        checkout.write(name, "{}\n")
    checkout.call("snakemake", "--touch", "--forceall", "--quiet", "--cores", "1")
    checkout.call("hyperseg", "track", "config/demo.yaml")
    return count


def sizes() -> list[str]:
    streets = TINY["dataset"]["streets"]  # type: ignore[index]
    return [f"--{key}={value}" for key, value in streets.items()]


def stand_in(path: Path, variant: str) -> Record:
    kind, _, protocol = path.stem.partition("-")
    if kind == "smoke":
        return latency(variant, kind, campaign="demo")
    seed = int(path.parent.name.removeprefix("seed"))
    weights = network(variant, weights=f"{seed}")
    if kind == "train":
        return training(variant, seed=seed, net=weights, campaign="demo")
    return evaluation(variant, protocol, seed=seed, net=weights, campaign="demo")


def seconds(checkout: Checkout, *command: str) -> float:
    started = time.perf_counter()
    checkout.call(*command)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
