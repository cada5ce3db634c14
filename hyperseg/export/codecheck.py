"""CODECHECK's ``codecheck.yml``: which files a checker has to get again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from hyperseg.export.paper import PAPER
from hyperseg.files import write_text_atomic
from hyperseg.records import Record
from hyperseg.records.difference import headline

SPECIFICATION = "https://codecheck.org.uk/spec/config/1.0/"


def write_codecheck(out: Path, records: Mapping[str, tuple[Path, Record]]) -> None:
    """Write ``codecheck.yml``; the codechecker, the certificate and its report are the checker's to add."""
    content: dict[str, Any] = {
        "version": SPECIFICATION,
        "paper": {
            "title": PAPER["title"],
            "authors": [{"name": name} for name in PAPER["authors"]],
            "reference": PAPER["url"],
        },
        "manifest": [{"file": name, "comment": _comment(record)} for name, (_, record) in records.items()],
    }
    text = yaml.safe_dump(
        content, sort_keys=False, allow_unicode=True, width=120, explicit_start=True, version=(1, 1)
    )  # the specification wants the document marker, and the version of YAML before it
    write_text_atomic(out / "codecheck.yml", text)


def _comment(record: Record) -> str:
    found = headline(record)
    said = f": {found[0]} {found[1]:.6g} {found[2]}".rstrip() if found else ""
    return f"{record.kind} of {record.network.id}{said}; made by: {' '.join(record.provenance.command)}"
