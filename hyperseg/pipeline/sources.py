"""What a job's result depends on in this package: the modules that it imports and the data files that those open.

The import graph is read from the source text, lazy imports inside functions included, so nothing is listed by hand and
nothing is imported (:mod:`hyperseg.pipeline.source_text` says what counts). Where one of several files is chosen by a
name that the job is for (its protocol, variant or engine), that one alone counts.

One digest stands for all of it. Code counts as its syntax tree without docstrings: neither a comment, a docstring nor
a line break makes a result stale. Data files count byte by byte.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import hyperseg
from hyperseg.files import sha256_file
from hyperseg.pipeline.source_text import module_file, read_module

PACKAGE = Path(hyperseg.__file__).parent  # of the code that runs

# Modules that steps load though no number depends on them, and why.
CHANGES_NO_NUMBER = {
    "hyperseg": "the package's public names",
    "hyperseg.cli": "finds the command that was asked for",
    "hyperseg.datasets.progress": "draws bars on a terminal",
    "hyperseg.latency.live": "draws the line of a running measurement and the table after it",
    "hyperseg.records.bench": "a kind of record that no step writes",
    "hyperseg.training.progress": "writes the line of a running training",
}


@dataclass(frozen=True)
class Entry:
    """Where a job's code begins: a click command.

    `chosen` are names that choose files. `without` are packages that the job would reach but does not use; `tables` are
    packages of which it reads what is defined on import and calls no function.
    """

    module: str
    command: str = "command"
    chosen: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()


def digest_of(sources: dict[str, str]) -> str:
    """SHA-256 over all sources of a job, in hex."""
    text = "\n".join(f"{digest}  {name}" for name, digest in sorted(sources.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def find_sources(entry: Entry, package: Path = PACKAGE) -> dict[str, str]:
    """The files that a job depends on, relative to the package, each with its digest.

    Raises :class:`UserError` where a module cannot be parsed.
    """
    found: dict[str, str] = {}
    waiting = [(entry.module, f"command {entry.command}")]
    seen: set[tuple[str, str]] = set()
    while waiting:
        name, part = waiting.pop()
        if part == "whole" and any(name.startswith(f"{table}.") for table in entry.tables):
            part = "passed"
        if (name, part) in seen or any(f"{name}.".startswith(f"{left_out}.") for left_out in entry.without):
            continue
        seen.add((name, part))
        waiting += [(parent, "passed") for parent in _parents(name)]
        path = module_file(name, package)
        module = read_module(path, name, part, package, path.stat().st_mtime_ns)
        for group in module.needs:
            ours = [need for need in group if need[0].rpartition(".")[2] in entry.chosen]
            waiting += ours or group
        if name in CHANGES_NO_NUMBER:
            continue
        inside = path.relative_to(package).as_posix()
        if part != "passed" or inside not in found:
            found[inside] = module.digest
        for files in module.data:
            for file in [file for file in files if file.stem in entry.chosen] or files:
                found[file.relative_to(package).as_posix()] = sha256_file(file)
    return found


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]
