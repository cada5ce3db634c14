"""Downloads of large files over HTTP that resume after a kill: the one thing that pooch lacks.

pooch was chosen over fsspec and huggingface_hub: it enforces sha256 and md5 alike, writes to a temporary file and moves
it into place only when the hash is right, and takes any callable as its downloader, so that resuming is an addition of
this one class. fsspec's HTTP file system neither resumes nor hashes; huggingface_hub's downloader does both, but for
files of its hub only. The bytes so far lie in a part file, with what they are part of in a JSON file beside it, and a
Range request with If-Range asks the server for the rest of exactly that file.
"""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import requests
import urllib3
from filelock import FileLock, Timeout

from hyperseg.datasets.disk import SPARE_BYTES, disk_errors, readable_size
from hyperseg.errors import UserError

CHUNK = 1 << 16  # what a connection that falls silent costs at most


class DownloadError(Exception):
    """Why one URL could not be downloaded, in a few words."""


@dataclass(frozen=True)
class Patience:
    """How long to bear with a server: seconds, and attempts in a row that gain nothing."""

    connect_s: float = 10.0
    silence_s: float = 30.0
    attempts: int = 5
    pause_s: float = 1.0


@dataclass(frozen=True)
class _Begun:
    """What the bytes of a part file are the beginning of."""

    url: str
    etag: str | None
    modified: str | None
    total: int | None

    @property
    def condition(self) -> str | None:
        """The value of If-Range, which wants a strong validator."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified


class ResumingDownloader:
    """A pooch downloader. `progress` is called with the bytes so far and the total, or None where the server is silent.

    `expected` is the exact size where it is known: an answer of another size is refused before it is written. `most`
    bounds the bytes where it is not. Raises DownloadError, and UserError where the disk cannot be written or another
    process downloads the same file.
    """

    def __init__(
        self,
        part: Path,
        expected: int | None = None,
        progress: Callable[[int, int | None], None] = lambda done, total: None,
        patience: Patience | None = None,
        session: requests.Session | None = None,
        most: int | None = None,
    ) -> None:
        self.part = part
        self.state = part.with_name(part.name + ".json")
        self.expected = expected
        self.most = most
        self.progress = progress
        self.patience = patience or Patience()
        self.session = session or requests.Session()

    def __call__(self, url: str, output_file: str, pooch: object = None, check_only: bool = False) -> None:
        with disk_errors(self.part, "free some space there or give another folder"):
            self.part.parent.mkdir(parents=True, exist_ok=True)
            lock = self.part.with_name(self.part.name + ".lock")
            try:
                with FileLock(lock, timeout=0), self.part.open("ab") as file:
                    self._complete(url, file)
            except Timeout as error:
                raise UserError(f"another process is downloading {self.part}; wait for it to end") from error
            self.state.unlink(missing_ok=True)
            self.part.replace(output_file)
            lock.unlink(missing_ok=True)

    def _complete(self, url: str, file: IO[bytes]) -> None:
        begun = self._read_state()
        if begun is None or begun.url != url:
            file.truncate(0)  # the beginning of something else
        furthest, fruitless = _size(file), 0
        while True:
            try:
                self._attempt(url, file, _size(file))
                return
            except requests.exceptions.SSLError as error:
                raise DownloadError(_reason(error)) from error
            except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError, _Transient) as error:
                # Only a new maximum counts as progress: a file that starts over again and again makes none.
                fruitless = 0 if _size(file) > furthest else fruitless + 1
                furthest = max(furthest, _size(file))
                if fruitless >= self.patience.attempts:
                    raise DownloadError(_reason(error)) from error
                time.sleep(self.patience.pause_s * 2 ** max(0, fruitless - 1))
            except requests.RequestException as error:
                raise DownloadError(_reason(error)) from error

    def _attempt(self, url: str, file: IO[bytes], done: int) -> None:
        begun = self._read_state()
        headers = {"Accept-Encoding": "identity"}  # no compression: ranges and sizes count the archive's own bytes
        if done:
            headers["Range"] = f"bytes={done}-"
            if begun and begun.condition:
                headers["If-Range"] = begun.condition
        timeout = (self.patience.connect_s, self.patience.silence_s)
        with self.session.get(url, headers=headers, stream=True, timeout=timeout) as answer:
            if answer.status_code == 416 and done:
                if begun and begun.total == done:
                    return  # killed after the last byte, before the rename
                file.truncate(0)
                raise _Transient("it refuses to resume")
            _check_status(answer)
            if answer.status_code == 200:
                done = 0
                file.truncate(0)
            elif not done or begun is None or not _continues(answer, done, begun):
                file.truncate(0)
                raise _Transient("it answers with the end of another file or range than asked for")
            total = _total(answer, done)
            self._check_size(total)
            if done == 0:
                self._write_state(_Begun(url, answer.headers.get("ETag"), answer.headers.get("Last-Modified"), total))
            self._receive(answer, file, done, total)

    def _receive(self, answer: requests.Response, file: IO[bytes], done: int, total: int | None) -> None:
        bound = self.expected if self.expected is not None else self.most
        for chunk in answer.raw.stream(CHUNK, decode_content=False):
            file.write(chunk)
            done += len(chunk)
            self.progress(done, total)
            if bound is not None and done > bound:
                file.truncate(0)
                raise DownloadError(f"it sends more than the {bound} bytes expected")
        file.flush()
        whole = total if total is not None else self.expected
        if whole is not None and done != whole:
            raise _Transient(f"it stopped after {done} of {whole} bytes")

    def _check_size(self, total: int | None) -> None:
        """Raise for an announced size that cannot be right or does not fit the disk; the next address is then tried."""
        if total is None:
            return
        if self.expected is not None and total != self.expected:
            raise DownloadError(f"it offers {total} bytes, expected {self.expected}")
        if self.most is not None and total > self.most:
            raise DownloadError(f"it offers {readable_size(total)}, and no more than {readable_size(self.most)} fit "
                                "this dataset")  # fmt: skip
        free = shutil.disk_usage(self.part.parent).free + (self.part.stat().st_size if self.part.exists() else 0)
        if total + SPARE_BYTES > free:
            raise DownloadError(f"it offers {readable_size(total)}, and the disk has {readable_size(free)} free")

    def _read_state(self) -> _Begun | None:
        try:
            return _Begun(**json.loads(self.state.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, RecursionError):
            return None  # no download begun, or one that cannot be continued with certainty

    def _write_state(self, begun: _Begun) -> None:
        self.state.write_text(json.dumps(asdict(begun)), encoding="utf-8")


class _Transient(Exception):
    """A failure that may pass."""


def _size(file: IO[bytes]) -> int:
    return file.seek(0, 2)


def _check_status(answer: requests.Response) -> None:
    if answer.status_code == 429 or answer.status_code >= 500:
        raise _Transient(f"it answers {answer.status_code} {answer.reason}".rstrip())
    if answer.status_code not in {200, 206}:
        raise DownloadError(f"it answers {answer.status_code} {answer.reason}".rstrip())


def _continues(answer: requests.Response, done: int, begun: _Begun) -> bool:
    """Does a 206 answer hold exactly the bytes from `done` on, of the file that was begun?

    Every validator of the first answer must be in this one and the same: servers that do not know If-Range send the
    end of a changed file.
    """
    unit, _, span = answer.headers.get("Content-Range", "").partition(" ")
    start, _, rest = span.partition("-")
    total = rest.partition("/")[2]
    same = begun.total is None or total in {"*", str(begun.total)}
    etag, modified = answer.headers.get("ETag"), answer.headers.get("Last-Modified")
    unchanged = etag == begun.etag if begun.etag or etag else modified == begun.modified
    if modified and begun.modified:
        unchanged = unchanged and modified == begun.modified
    return unit == "bytes" and start == str(done) and same and unchanged


def _total(answer: requests.Response, done: int) -> int | None:
    length = answer.headers.get("Content-Length", "")
    return done + int(length) if length.isdecimal() else None


def _reason(error: Exception) -> str:
    """A few words instead of a library's nested message."""
    kinds: list[tuple[type[Exception] | tuple[type[Exception], ...], str]] = [
        (requests.exceptions.SSLError, "its certificate is not accepted"),
        ((requests.Timeout, urllib3.exceptions.TimeoutError), "it does not answer in time"),
        ((urllib3.exceptions.IncompleteRead, urllib3.exceptions.ProtocolError), "it drops the connection"),
        (requests.TooManyRedirects, "it redirects in circles"),
        (requests.ConnectionError, "it cannot be reached"),
    ]
    return next((words for kind, words in kinds if isinstance(error, kind)), str(error))
