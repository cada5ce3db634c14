"""The audit of the published code: findings shown beside the numbers they bear on."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml


@dataclass(frozen=True)
class Finding:
    number: int
    id: str
    short: str  # as a table refers to it
    title: str
    finding: str
    here: str  # what this project does about it


@cache
def findings() -> tuple[Finding, ...]:
    """All findings, numbered in the order of ``audit.yaml``."""
    entries = yaml.safe_load(files("hyperseg.report").joinpath("audit.yaml").read_text(encoding="utf-8"))
    return tuple(Finding(number=number, **entry) for number, entry in enumerate(entries, start=1))
