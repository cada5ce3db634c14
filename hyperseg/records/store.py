"""Reading and writing records."""

import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from hyperseg.errors import UserError
from hyperseg.files import write_text_atomic
from hyperseg.records.schema import Record


def write_record(path: Path, record: Record) -> None:
    """Write one record as indented JSON, atomically."""
    write_text_atomic(path, json.dumps(record.model_dump(mode="json"), indent=1) + "\n")


def read_record(path: Path) -> Record:
    """Read one record; a :class:`UserError` says what does not fit the schema."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot read record {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"record {path} is not UTF-8 text; run the step again to write it anew") from error
    try:
        return Record.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise UserError(
            f"record {path} does not fit schema version 1 at {where}: {first['msg'].lower()}; run the step again"
        ) from error


def read_record_files(paths: Iterable[Path]) -> dict[Path, Record]:
    """Read records from files, and from every ``*.json`` under folders, in sorted order."""
    files: list[Path] = []
    for path in paths:
        files += sorted(path.rglob("*.json")) if path.is_dir() else [path]
    return {file: read_record(file) for file in files}
