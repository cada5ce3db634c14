"""Unpacking untrusted archives: every member is checked before the first byte is written."""

import bz2
import gzip
import lzma
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, cast

from hyperseg.data.manifest import LITTER
from hyperseg.datasets.disk import check_disk, readable_size
from hyperseg.errors import UserError, printable

CHUNK = 1 << 20
NESTED = (".zip", ".tar", ".tgz", ".gz", ".tbz2", ".bz2", ".txz", ".xz", ".7z", ".rar", ".zst", ".lzma")
HEADER_BYTES = 1 << 20  # of one header of a tar archive: a long name or a set of attributes
REMEDY = "get the archive again from its publisher, or give --source a folder that you unpacked yourself"
# What the standard library raises on a damaged or unusual archive.
_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    ValueError,
    OSError,
)


@dataclass(frozen=True)
class Limits:
    """Bounds on what an archive may hold."""

    files: int = 200_000
    total_bytes: int = 64 << 30


@dataclass(frozen=True)
class _Member:
    name: PurePosixPath
    size: int
    open: Callable[[], IO[bytes]]


def unpack(
    archive: Path,
    target: Path,
    limits: Limits | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Unpack a zip or tar (plain, gzip, bzip2, xz) into the existing folder `target`; the number of files written.

    Refused with a UserError, before anything is written: members outside the target (absolute, ``..``, drive letters,
    backslashes), links, devices and pipes, encrypted members, archives within the archive, two members of one name,
    more files or bytes than `limits` or the disk allows. Modes, owners and times are not restored. A member that
    turns out longer than it says, or whose checksum fails, ends the unpacking; the caller discards the target.
    """
    limits = limits or Limits()
    try:
        with _members(archive, limits) as members:
            total = sum(member.size for member in members)
            check_disk(target, total)
            done = 0
            for member in members:
                done += _write(archive, member, target)
                progress(done, total)
            return len(members)
    except _DAMAGE as error:
        raise UserError(f"{archive} cannot be unpacked: {_words(error)}; get it again") from error


def damage_of(archive: Path) -> str | None:
    """Damage found by the archive's own checksums, or None. Reads every member, writes none."""
    try:
        with _members(archive, Limits()) as members:
            for member in members:
                with member.open() as source:
                    while source.read(CHUNK):
                        pass
    except (UserError, *_DAMAGE) as error:
        return _words(error)
    return None


def is_archive(path: Path) -> bool:
    """Whether a file begins as a zip or a tar, packed or not."""
    return zipfile.is_zipfile(path) or _is_tar(path)


def _is_tar(path: Path) -> bool:
    # not tarfile.is_tarfile, which reads a first header of any length into memory
    try:
        with _decompressed(path) as plain, _open_tar(plain, path):
            return True
    except UserError:
        return True  # a tar with a header that is refused when it is read
    except _DAMAGE:
        return False


def kind_of_file(path: Path) -> str:
    """What a file that is no archive seems to be, as 'a web page'."""
    with path.open("rb") as file:
        head = file.read(512)
    start = head.lstrip().lower()
    if not head:
        return "an empty file"
    if start.startswith((b"<!doctype html", b"<html", b"<?xml")) or b"<html" in start:
        return "a web page, perhaps an error or a login"
    if head.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer (run `git lfs pull` where it comes from)"
    known = {
        b"\x1f\x8b": "a gzip file",
        b"BZh": "a bzip2 file",
        b"\xfd7zXZ": "an xz file",
        b"7z\xbc\xaf": "a 7z archive",
        b"Rar!": "a rar archive",
        b"PK": "a damaged zip archive",
    }
    return next((name for magic, name in known.items() if head.startswith(magic)), "another kind of file")


@contextmanager
def _members(archive: Path, limits: Limits) -> Iterator[list[_Member]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            yield _judged(archive, _zip_members(archive, zipped), limits)
    elif _is_tar(archive):
        with _decompressed(archive) as plain, _open_tar(plain, archive) as tarred:
            yield _judged(archive, _tar_members(archive, tarred), limits)
    else:
        raise UserError(f"{archive} is {kind_of_file(archive)}, not a zip or tar archive; get it again")


def _decompressed(archive: Path) -> IO[bytes]:
    """The bytes of a tar archive, whatever it is packed with."""
    with archive.open("rb") as file:
        head = file.read(6)
    for magic, opener in ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ", lzma.open)):
        if head.startswith(magic):
            return cast(IO[bytes], opener(archive))
    return archive.open("rb")


def _open_tar(plain: IO[bytes], archive: Path) -> tarfile.TarFile:
    return tarfile.open(fileobj=cast(IO[bytes], _ShortReads(plain, archive)), mode="r:")


class _ShortReads:
    """A file that refuses large reads: tarfile reads a header of any length into memory."""

    def __init__(self, file: IO[bytes], archive: Path) -> None:
        self._file, self._archive = file, archive
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= HEADER_BYTES:
            raise UserError(f"{self._archive} is refused: it has a header of over {HEADER_BYTES} bytes; {REMEDY}")
        return self._file.read(size)


def _zip_members(archive: Path, zipped: zipfile.ZipFile) -> Iterator[_Member]:
    for info in zipped.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if info.flag_bits & 0x1:
            raise UserError(
                f"{archive} is encrypted (member {printable(info.filename)[:200]}); get it without a password"
            )
        if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
            raise _refused(archive, info.filename, "is a link or a device")
        name = _safe(archive, info.orig_filename)
        if not info.is_dir():
            yield _Member(name, info.file_size, partial(zipped.open, info))


def _tar_members(archive: Path, tarred: tarfile.TarFile) -> Iterator[_Member]:
    for info in tarred:
        if not (info.isreg() or info.isdir()) or info.issparse():
            raise _refused(archive, info.name, "is a link, a device or a sparse file")
        name = _safe(archive, info.name)
        if info.isreg():
            yield _Member(name, info.size, partial(_tar_file, tarred, info))


def _tar_file(tarred: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    file = tarred.extractfile(info)
    if file is None:
        raise tarfile.ReadError(f"{info.name} holds no data")
    return file


def _judged(archive: Path, members: Iterator[_Member], limits: Limits) -> list[_Member]:
    kept: list[_Member] = []
    names: set[str] = set()
    total = 0
    for count, member in enumerate(members, start=1):
        total += member.size
        if count > limits.files:
            raise UserError(
                f"{archive} holds more than {limits.files} files, which this dataset does not have; {REMEDY}"
            )
        if total > limits.total_bytes:
            bound = readable_size(limits.total_bytes)
            raise UserError(f"{archive} unpacks to over {bound}, more than this dataset has; {REMEDY}")
        if any(part.lower() in LITTER for part in member.name.parts):
            continue
        if member.name.name.lower().endswith(NESTED):
            raise _refused(archive, str(member.name), "is an archive itself")
        if str(member.name).lower() in names:  # lower: some file systems do not tell the two apart
            raise _refused(archive, str(member.name), "is there twice")
        names.add(str(member.name).lower())
        kept.append(member)
    return kept


def _safe(archive: Path, name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    bad = (
        not name
        or "\\" in name
        or "\0" in name
        or path.is_absolute()
        or ".." in path.parts
        or not path.parts
        or any(part.endswith(":") or part[1:2] == ":" for part in path.parts)
        or any(len(part.encode()) > 255 for part in path.parts)
    )
    if bad and name not in {".", "./"}:
        raise _refused(archive, name, "has a name that leads outside the target")
    if not name.isprintable():
        raise _refused(archive, name, "has a name with control characters")
    return path


def _write(archive: Path, member: _Member, target: Path) -> int:
    path = target / member.name
    path.parent.mkdir(parents=True, exist_ok=True)
    with member.open() as source, path.open("xb") as out:
        shutil.copyfileobj(_Bounded(source, archive, member), out, CHUNK)
    return member.size


class _Bounded:
    """A member's bytes; raises once there are more than its header says (a decompression bomb)."""

    def __init__(self, source: IO[bytes], archive: Path, member: _Member) -> None:
        self._source, self._archive, self._member = source, archive, member
        self._left = member.size

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise _refused(self._archive, str(self._member.name), "is longer than it says")
        return data


def _refused(archive: Path, name: str, why: str) -> UserError:
    return UserError(f"{archive} is refused: its member {name[:200]!r} {why}; {REMEDY}")


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__
