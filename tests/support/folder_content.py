"""What a folder holds, to compare it before and after."""

from pathlib import Path


def files_in(folder: Path) -> dict[str, bytes]:
    """All files below it, by their relative names."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
