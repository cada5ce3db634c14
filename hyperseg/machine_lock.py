"""A lock between the processes of all users of a machine: a file in a folder below the temporary one.

The package filelock refuses another user's file in a folder like /tmp, where that user could remove it while the lock
is held. Here the file belongs to whoever came first, and everyone else must be able to wait for it. Imports no torch.
"""

import fcntl
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from hyperseg.errors import UserError, reason_of

FOLDER = "hyperseg-locks"


class MachineLock:
    """Held by one process at a time; it goes with the process, however that ends."""

    def __init__(self, name: str, folder: Path | None = None) -> None:
        self.path = (folder or Path(tempfile.gettempdir(), FOLDER)) / f"{name}.lock"
        self._file = -1

    def acquire(self) -> bool:
        """Take the lock where it is free. Raises :class:`UserError` where its file cannot be opened."""
        try:
            file = _opened(self.path)
        except OSError as error:
            raise UserError(
                f"the lock file {self.path} cannot be opened ({reason_of(error)}); remove it, or set TMPDIR to another "
                "folder"
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Give the lock back, also where a child process has inherited the file."""
        fcntl.flock(self._file, fcntl.LOCK_UN)
        os.close(self._file)


def _opened(path: Path) -> int:
    if not path.parent.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o1777)
    # Made and opened in two steps: Linux (fs.protected_regular) opens no other user's file with O_CREAT there.
    with suppress(FileExistsError):
        made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        os.fchmod(made, 0o666)  # whatever the umask
        os.close(made)
    return os.open(path, os.O_RDWR | os.O_NOFOLLOW)
