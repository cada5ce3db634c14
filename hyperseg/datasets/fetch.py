"""``hyperseg data fetch``: the archives of one dataset, downloaded, checked and kept."""

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pooch
from rich.progress import Progress, TaskID

from hyperseg.datasets.disk import check_disk, disk_errors
from hyperseg.datasets.download import DownloadError, Patience, ResumingDownloader
from hyperseg.datasets.published import Archive, Published
from hyperseg.datasets.unpack import damage_of, is_archive, kind_of_file
from hyperseg.errors import UserError
from hyperseg.files import sha256_file, write_text_atomic

CHECKSUMS_FILE = "checksums.json"

# Turns an archive's URL into a downloader; replaced where a login is needed.
MakeDownloader = Callable[[Path, Archive, int, Callable[[int, int | None], None]], ResumingDownloader]


@dataclass(frozen=True)
class Fetched:
    """An archive in the download folder; `downloaded` is False where it was there already."""

    path: Path
    downloaded: bool


def plain_downloader(patience: Patience | None = None) -> MakeDownloader:
    """Downloads without a login."""

    def make(
        part: Path, archive: Archive, most: int, progress: Callable[[int, int | None], None]
    ) -> ResumingDownloader:
        return ResumingDownloader(part, archive.bytes, progress, patience, most=most)

    return make


def fetch_archives(
    archives: Iterable[Archive],
    folder: Path,
    make_downloader: MakeDownloader,
    progress: Progress,
    mirrors: Iterable[str] = (),
    most: int = 64 << 30,
) -> list[Fetched]:
    """Bring every archive into `folder`, whose ``checksums.json`` remembers what was seen first.

    `mirrors` are base URLs tried before an archive's own; `most` bounds the bytes of one archive whose size is not
    published. An archive that is there already is checked, not downloaded. Raises UserError, naming every address that
    was tried.
    """
    archives = list(archives)
    with disk_errors(folder, "give another --downloads folder"):
        folder.mkdir(parents=True, exist_ok=True)
        missing = [archive for archive in archives if not (folder / archive.file).exists()]
        check_disk(folder, sum(max(0, (a.bytes or 0) - _begun_bytes(_part(folder, a))) for a in missing))
        fetched = []
        for archive in archives:
            task = progress.add_task(archive.file, total=archive.bytes)
            bases = [f"{base.rstrip('/')}/{archive.file}" for base in mirrors]
            make = partial(make_downloader, _part(folder, archive), archive, archive.bytes or most)
            fetched.append(_fetch(archive, folder, [*bases, *archive.urls], make, progress, task))
        return fetched


def missing_gated(dataset: Published, folder: Path) -> UserError | None:
    """The error that tells a user which files to bring, or None where all are there."""
    missing = [archive for archive in dataset.archives if archive.gated and not (folder / archive.file).exists()]
    if not missing:
        return None
    files = " and ".join(f"{archive.file} ({archive.size})" for archive in missing)
    other = f" or use {dataset.alternative}" if dataset.alternative else ""
    return UserError(
        f"{dataset.id} {missing[0].gated}: put {files} from {dataset.homepage} into {folder}{other}, "
        f"then run `hyperseg data fetch {dataset.id}` again"
    )


def _fetch(
    archive: Archive,
    folder: Path,
    urls: list[str],
    make: Callable[[Callable[[int, int | None], None]], ResumingDownloader],
    progress: Progress,
    task: TaskID,
) -> Fetched:
    path = folder / archive.file
    if path.exists():
        check_archive(archive, folder)
        progress.update(task, total=path.stat().st_size, completed=path.stat().st_size)
        return Fetched(path, downloaded=False)
    failures = []
    for url in urls:
        downloader = make(lambda done, total: progress.update(task, completed=done, total=total))
        try:
            _retrieve(url, archive, folder, downloader)
            return Fetched(path, downloaded=True)
        except DownloadError as error:
            host = url.rpartition("://")[2].partition("/")[0].rpartition("@")[2]  # without a name and password
            failures.append(f"{host}: {error}")
    tried = "; ".join(failures) or "it has no address"
    raise UserError(
        f"{archive.file} could not be downloaded ({tried}); try again, give another address with --mirror, "
        f"or put the file into {folder}"
    )


def _retrieve(url: str, archive: Archive, folder: Path, downloader: ResumingDownloader) -> None:
    """Download into the archive's hidden folder, where a kill may leave files; move a file out once it is verified."""
    incoming = _incoming(folder, archive)
    pooch.get_logger().setLevel("ERROR")
    try:
        pooch.retrieve(url, archive.checksum, fname=archive.file, path=incoming, downloader=downloader)
    except ValueError as error:
        raise DownloadError("it sends other bytes than the checksum demands") from error
    got = incoming / archive.file
    wrong = _wrong(archive, got, folder, record=True)
    if wrong:
        got.unlink()
        raise DownloadError(f"it sends a file that is {wrong}")
    got.replace(folder / archive.file)
    shutil.rmtree(incoming)


def check_archive(archive: Archive, folder: Path, *, record: bool = True) -> None:
    """Raise UserError where the file in `folder` is not the published one, or not the one seen first.

    `record` writes the hash of an archive without a published one to ``checksums.json`` when it is first seen.
    """
    wrong = _wrong(archive, folder / archive.file, folder, record=record)
    if wrong:
        raise UserError(f"{folder / archive.file} is {wrong}; delete the file and fetch it again")


def _wrong(archive: Archive, path: Path, folder: Path, *, record: bool) -> str | None:
    """What is wrong with a file, or None. No hash is recorded of an archive whose own checksums fail."""
    if not path.is_file():
        return "no file"
    if not is_archive(path):
        return f"{kind_of_file(path)}, not a zip or tar archive"
    if archive.checksum:
        algorithm = archive.checksum.partition(":")[0]
        sound = pooch.hashes.hash_matches(str(path), archive.checksum)
        return None if sound else f"not the published archive (its {algorithm} differs)"
    if archive.remade:
        return None
    checksums = _read_checksums(folder)
    digest = sha256_file(path)
    recorded = checksums.get(archive.file)
    if recorded == digest:
        return None
    damage = damage_of(path)
    if damage:
        return f"damaged ({damage})"
    if recorded:
        return (
            f"another archive than the one first seen here (sha256 {recorded[:12]}, which {folder / CHECKSUMS_FILE} "
            "recorded; none is published, so the first may have been the wrong one: to take this one for right, "
            f"remove the line of {archive.file} there)"
        )
    if record:
        checksums[archive.file] = digest
        write_text_atomic(folder / CHECKSUMS_FILE, json.dumps(dict(sorted(checksums.items())), indent=1) + "\n")
    return None


def _read_checksums(folder: Path) -> dict[str, str]:
    path = folder / CHECKSUMS_FILE
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): str(digest) for name, digest in content.items()}
    except (ValueError, AttributeError, RecursionError) as error:
        raise UserError(f"{path} is damaged; delete it, and the archives are recorded anew") from error


def _incoming(folder: Path, archive: Archive) -> Path:
    return folder / f".{archive.file}.incoming"


def _part(folder: Path, archive: Archive) -> Path:
    return _incoming(folder, archive) / "part"


def _begun_bytes(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
