"""One list of dependencies: pyproject.toml; the lock and the conda environment are in step with it."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()
# In locks of their own: Snakemake imports each executor it finds, two seconds a call; only `make audit` needs its tool.
APART = {"slurm", "kubernetes", "audit"}
ENTRY = re.compile(r"^([A-Za-z0-9._-]+)==([^ \\]+)[^\n]*((?:\\\n +--hash=sha256:[0-9a-f]{64} ?)+)", flags=re.M)
ENTRIES = ENTRY.findall(LOCK)


def normal(requirement: str) -> str:
    """The package's name in its normal form."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", requirement)[0]).lower()


def locked_requirements() -> list[str]:
    extras = PROJECT["optional-dependencies"]
    return PROJECT["dependencies"] + [r for extra in extras.keys() - APART for r in extras[extra]]


def test_every_entry_of_the_lock_is_pinned_and_hashed() -> None:
    lines = [line for line in LOCK.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(lines) == len(ENTRIES) > 100


def test_every_dependency_is_locked_at_a_version_that_fits() -> None:
    versions: dict[str, list[str]] = {}
    for name, version, _ in ENTRIES:
        versions.setdefault(normal(name), []).append(version)
    misfits = [
        requirement
        for requirement in locked_requirements()
        if normal(requirement) not in versions
        or not all(version in Requirement(requirement).specifier for version in versions[normal(requirement)])
    ]
    assert not misfits, "run `make lock`"


@pytest.mark.parametrize("extra", sorted(APART))
def test_what_has_a_lock_of_its_own_is_pinned_and_hashed_there(extra: str) -> None:
    text = (ROOT / f"workflow/{extra}.lock").read_text()
    entries = {normal(name): version for name, version, _ in ENTRY.findall(text)}
    assert len(entries) == len([line for line in text.splitlines() if line and not line.startswith((" ", "#"))])
    assert not entries.keys() & {normal(name) for name, _, _ in ENTRIES}
    for requirement in PROJECT["optional-dependencies"][extra]:
        assert Requirement(requirement).specifier.contains(entries[normal(requirement)]), "run `make lock`"


def test_what_builds_and_installs_is_locked_too() -> None:
    backend = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert {normal(one) for one in [*backend, "editables", "setuptools", "uv"]} <= {normal(n) for n, _, _ in ENTRIES}


def test_the_conda_environment_is_in_step() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, packages = environment["dependencies"]
    assert python == f"python{PROJECT['requires-python']}"
    assert pip == "pip"
    assert packages["pip"] == PROJECT["dependencies"] + PROJECT["optional-dependencies"]["offline"]


def test_no_file_names_where_packages_are_fetched_from() -> None:
    """Which registry is used is the machine's own setting."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    named = re.compile(
        r"pypi\.(org|python)|pythonhosted|--(extra-)?index-url [^\\\s$]|download\.pytorch|conda\.anaconda"
    )
    this = Path(__file__).relative_to(ROOT)
    texts = (".py", ".md", ".toml", ".yml", ".yaml", ".lock", ".sh", ".smk", ".cfg", ".cff")
    texts += ("Makefile", "Snakefile", "Dockerfile", ".ci/run", ".ci/packages", ".ci/slurm")
    found = [
        name
        for name in filter(None, listed.split("\0"))
        if name.endswith(texts) and Path(name) != this and named.search((ROOT / name).read_text(encoding="utf-8"))
    ]
    assert not found
