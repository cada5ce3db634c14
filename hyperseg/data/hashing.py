"""sha256 of many files on all cores, and the list format of ``sha256sum``."""

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from hyperseg.errors import UserError, reason_of
from hyperseg.files import sha256_file
from hyperseg.processors import usable_cores

_LINE = re.compile(r"^([0-9a-f]{64})  (.+)$")


def sha256_files(paths: Iterable[Path]) -> dict[Path, str]:
    """Hex sha256 of each file. Threads suffice: hashlib lets go of the interpreter lock."""

    def one(path: Path) -> tuple[Path, str]:
        try:
            return path, sha256_file(path)
        except OSError as error:
            raise UserError(f"cannot read {path}: {reason_of(error)}; check the disk and the permissions") from error

    with ThreadPoolExecutor(usable_cores()) as pool:
        return dict(pool.map(one, paths))


def read_sha256_list(text: str) -> dict[PurePosixPath, str]:
    """Relative path -> sha256 from the output of ``sha256sum``. Raises ValueError on a line of another form."""
    found: dict[PurePosixPath, str] = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if not match:
            raise ValueError(f"not a sha256sum line: {line!r}")
        found[PurePosixPath(match[2])] = match[1]
    return found
