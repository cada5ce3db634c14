"""The records of an export, named as they lie in it."""

import os
from collections.abc import Sequence
from pathlib import Path

from hyperseg.errors import UserError
from hyperseg.records import Record
from hyperseg.records.store import read_record
from hyperseg.records.strips import STRIPS_FILE
from hyperseg.records.verify import verify

FOLDER = "records"


def gather(paths: Sequence[Path]) -> dict[str, tuple[Path, Record]]:
    """Name in the export -> (file, record), in order. Raises :class:`UserError` where one does not hold."""
    verified = verify(paths)
    wrong = [str(one.path) for one in verified if not one.holds]
    if wrong:
        raise UserError(f"records do not hold: {', '.join(wrong)}; see `hyperseg verify`")
    files = sorted({one.path.resolve() for one in verified if one.path.name != STRIPS_FILE})
    if not files:
        raise UserError(f"no record (*.json) under {', '.join(map(str, paths))}; give another folder")
    root = Path(os.path.commonpath([path.parent for path in files]))
    return {f"{FOLDER}/{path.relative_to(root).as_posix()}": (path, read_record(path)) for path in files}
