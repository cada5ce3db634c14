"""A session's folder as files small enough to send: a compressed archive cut into parts."""

import tarfile
import tempfile
from pathlib import Path

from hyperseg.files import write_bytes_atomic

PART_BYTES = 15 * 2**20  # below 16 MB
LEFT_OUT = {"cache", "packed"}  # can be made again


def pack(out: Path) -> list[Path]:
    """OUT/packed/results.tar.gz.000 and so on, each below 16 MB; ``cat results.tar.gz.* | tar xz`` unpacks them."""
    folder = out / "packed"
    parts: list[Path] = []
    with tempfile.TemporaryFile() as whole:
        with tarfile.open(fileobj=whole, mode="w:gz") as archive:
            for path in sorted(out.iterdir()):
                if path.name not in LEFT_OUT:
                    archive.add(path, arcname=path.name)
        whole.seek(0)
        while content := whole.read(PART_BYTES):
            parts.append(folder / f"results.tar.gz.{len(parts):03}")
            write_bytes_atomic(parts[-1], content)
    for stale in set(folder.glob("results.tar.gz.*")) - set(parts):
        stale.unlink()
    return parts
