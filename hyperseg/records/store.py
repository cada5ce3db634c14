"""Reading and writing records."""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hyperseg.errors import UserError, reason_of
from hyperseg.files import write_text_atomic
from hyperseg.records.check import problems
from hyperseg.records.derive import checks
from hyperseg.records.raw import raw_checks
from hyperseg.records.schema import SCHEMA_VERSION, Record
from hyperseg.strict import first_problem

AGAIN = "run the step again"
LIVE = "dvclive"  # the folder beside a training's record for what DVCLive writes (`hyperseg train --watch`)
MAX_DEPTH = 64  # of nested lists and mappings, as in YAML


def write_record(path: Path, record: Record) -> None:
    """Write one record as indented JSON, atomically."""
    write_text_atomic(path, json.dumps(record.model_dump(mode="json"), indent=1, allow_nan=False) + "\n")


def read_record(path: Path) -> Record:
    """Read one record and derive its numbers again, from the record and from the raw files that lie beside it.

    A :class:`UserError` names what does not fit the schema, or the first number that is not what it follows from.
    """
    record = parse_record(path)
    for problem in problems((*checks(record), *raw_checks(record, path.parent))):
        raise UserError(f"record {path} contradicts itself: {problem}; {AGAIN}")
    return record


def parse_record(path: Path) -> Record:
    """Read one record that fits the schema; its numbers are taken as they stand."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot read record {path}: {reason_of(error)}; name a record's file") from error
    except UnicodeDecodeError as error:
        raise UserError(f"record {path} is not UTF-8 text; {AGAIN} to write it anew") from error
    try:
        content = json.loads(
            text, parse_constant=_no_constant, parse_float=_finite, parse_int=_int64, object_pairs_hook=_once
        )
        _plain(content)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        raise UserError(f"record {path} is not JSON ({reason}); {AGAIN}") from error
    if isinstance(content, dict) and "numbers" in content and "schema_version" not in content:
        raise UserError(f"record {path} does not fit the schema at 'schema_version': it is missing; {AGAIN}")
    version = content.get("schema_version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise UserError(
            f"record {path} does not fit the schema at 'schema_version': it is {version}, and this package reads none "
            f"above {SCHEMA_VERSION}; install a newer hyperseg-bench"
        )
    try:
        return Record.model_validate(content)
    except ValidationError as error:
        key, message = first_problem(error)
        where = f" at '{key}'" if key else ""
        raise UserError(f"record {path} does not fit the schema{where}: {message}; {AGAIN}") from error


def record_files(paths: Iterable[Path]) -> list[Path]:
    """The files themselves, and every ``*.json`` under folders but DVCLive's, in sorted order."""
    files: list[Path] = []
    for path in paths:
        inside = sorted(path.rglob("*.json")) if path.is_dir() else [path]
        files += [file for file in inside if LIVE not in file.relative_to(path).parts]
    return files


def read_record_files(paths: Iterable[Path]) -> dict[Path, Record]:
    """Read the records of :func:`record_files`."""
    return {file: read_record(file) for file in record_files(paths)}


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is too large for a number")
    return value


def _int64(text: str) -> int:
    value = int(text)
    if not -(1 << 63) <= value < 1 << 63:  # counts are summed in arrays of this width
        raise ValueError(f"{text:.60} is too large for a whole number")
    return value


def _plain(value: Any, depth: int = 1) -> None:
    """ValueError for nesting too deep to walk through, and for text that has no UTF-8."""
    if depth > MAX_DEPTH:
        raise ValueError(f"it is nested deeper than {MAX_DEPTH}")
    if isinstance(value, dict | list):
        for one in (*value, *value.values()) if isinstance(value, dict) else value:
            _plain(one, depth + 1)
    elif isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"'{value:.60}' holds half of a surrogate pair") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"key '{next(name for name in names if names.count(name) > 1)}' stands twice")
    return content
