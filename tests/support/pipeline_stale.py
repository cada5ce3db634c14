"""The stale steps of the tiny campaign, as each engine names them, and edits that are taken back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline_checkout import VARIANT, Checkout

STEPS = {  # the jobs of the tiny campaign, as `hyperseg run --dry-run` and as DVC name them
    "streets": "data",
    f"train {VARIANT} 0": f"train@{VARIANT}-0",
    f"evaluate {VARIANT} 0 standard": f"evaluate@{VARIANT}-0-standard",
    f"strips {VARIANT}": f"strips@{VARIANT}",
    f"latency {VARIANT} 0 smoke eager float32": f"latency@{VARIANT}-0",
    "report": "report",
}


def stale_in_snakemake(checkout: Checkout) -> set[str]:
    """DVC's names of the steps that Snakemake would run."""
    jobs = [line.partition(":")[0] for line in checkout.run("--dry-run").splitlines()]
    return {STEPS[job] for job in jobs if job in STEPS}


def named_by_dvc(checkout: Checkout, edited: bool = True) -> set[str]:
    """The stages that DVC names as changed themselves, once the digests of their code are those of the edited code."""
    if edited:
        checkout.call("dvc", "repro", "sources")
    return set(json.loads(checkout.call("dvc", "status", "--json"))) - {"sources"}


def with_what_follows(stages: set[str]) -> set[str]:
    """The stages and all that are made from theirs."""
    after = {
        "data": {f"train@{VARIANT}-0", f"evaluate@{VARIANT}-0-standard", f"strips@{VARIANT}", "report"},
        f"train@{VARIANT}-0": {f"evaluate@{VARIANT}-0-standard", f"latency@{VARIANT}-0", "report"},
        f"evaluate@{VARIANT}-0-standard": {f"strips@{VARIANT}", "report"},
        f"strips@{VARIANT}": {"report"},
        f"latency@{VARIANT}-0": {"report"},
    }
    reached = set(stages)
    while (grown := reached.union(*(after.get(stage, set()) for stage in reached))) != reached:
        reached = grown
    return reached


@contextmanager
def edited(checkout: Checkout, name: str, old: str, new: str) -> Iterator[None]:
    text = checkout.read(name)
    assert old in text
    checkout.write(name, text.replace(old, new, 1))
    try:
        yield
    finally:
        checkout.write(name, text)
