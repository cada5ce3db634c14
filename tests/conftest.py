"""A real HTTP server on loopback that misbehaves on demand, and small datasets in the layouts of the published ones."""

import io
import os
import shutil
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

# Where Python keeps no bytecode, each process that a test starts would compile the package and its libraries anew: half
# of the time that such tests take.
BYTECODE = Path(__file__).resolve().parents[1] / ".pytest_cache/bytecode"
if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(BYTECODE)
    sys.dont_write_bytecode = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that none of several processes ends with a long file alone."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Libraries stay compiled for the next time; the checkouts of this one do not."""
    if not hasattr(session.config, "workerinput"):
        temporary = Path(tempfile.gettempdir()).resolve()
        shutil.rmtree(BYTECODE / temporary.relative_to(temporary.anchor), ignore_errors=True)


@dataclass
class Page:
    """What the server does with one path; the bad habits last for the first `times` requests."""

    body: bytes = b""
    status: int = 200
    location: str | None = None
    etag: str | None = '"1"'
    ranges: bool = True  # False: answers 200 with everything, whatever range is asked for
    drop_after: int | None = None  # closes the connection after so many bytes of the answer
    silent_after: int | None = None  # stops sending after so many bytes, and keeps the connection
    shift: int = 0  # answers a range request with a range that begins so much later
    conditions: bool = True  # False: does not know If-Range
    refuses_ranges: bool = False  # answers 416 to every range
    announced: int | None = None  # another Content-Length than the body has
    pause_s: float = 0.0  # between the pieces of an answer
    length: bool = True  # False: no Content-Length, the end of the connection ends the file
    cookie: str | None = None  # 403 without it
    times: int = 1_000_000
    requests: list[str | None] = field(default_factory=list)  # the Range header of each


class Site:
    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                with suppress(ConnectionError):  # the client may be killed
                    site.answer(self)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.closing = threading.Event()
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def put(self, path: str, page: Page) -> str:
        self.pages[path] = page
        return self.url + path

    def close(self) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        page = self.pages.get(request.path)
        if page is None:
            request.send_error(404)
            return
        page.requests.append(request.headers.get("Range"))
        bad = len(page.requests) <= page.times
        if page.cookie and page.cookie not in request.headers.get("Cookie", ""):
            request.send_error(403)
            return
        if bad and page.status >= 300:
            request.send_response(page.status)
            if page.location:
                request.send_header("Location", page.location)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        self._send(request, page, bad)

    def _send(self, request: BaseHTTPRequestHandler, page: Page, bad: bool) -> None:
        start = self._start(request, page)
        body = page.body[start:]
        if (start == len(page.body) or page.refuses_ranges) and start:
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{len(page.body)}")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        if start:
            shown = start + (page.shift if bad else 0)
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {shown}-{len(page.body) - 1}/{len(page.body)}")
        else:
            request.send_response(200)
        if page.etag:
            request.send_header("ETag", page.etag)
        if page.length:
            request.send_header("Content-Length", str(len(body) if page.announced is None else page.announced - start))
        request.end_headers()
        stop = len(body)
        for limit in (page.drop_after, page.silent_after):
            stop = min(stop, limit) if bad and limit is not None else stop
        for place in range(0, stop, 16384):
            request.wfile.write(body[place : min(place + 16384, stop)])
            if page.pause_s:
                time.sleep(page.pause_s)
        if stop < len(body) or (page.announced or 0) > len(page.body):
            request.wfile.flush()
            if page.silent_after is not None:
                self.closing.wait(20)
            request.close_connection = True
            request.connection.close()

    @staticmethod
    def _start(request: BaseHTTPRequestHandler, page: Page) -> int:
        asked = request.headers.get("Range")
        condition = request.headers.get("If-Range")
        if not asked or not page.ranges or (page.conditions and condition and condition != page.etag):
            return 0
        return int(asked.removeprefix("bytes=").removesuffix("-"))


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def zip_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def noise(seed: int, height: int = 24, width: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def write_files(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


@dataclass(frozen=True)
class Make:
    """The helpers above, for tests: conftest modules are not for importing."""

    png = staticmethod(png)
    zip_of = staticmethod(zip_of)
    noise = staticmethod(noise)
    write_files = staticmethod(write_files)
    page = Page


@pytest.fixture
def make() -> Make:
    return Make()


@pytest.fixture
def dataset(tmp_path: Path, make: Make) -> Path:
    """A sound prepared dataset `mini`: three classes, void 3, train 4, val 2, test 2."""
    from hyperseg.data.prepared import ClassInfo, DatasetInfo
    from hyperseg.datasets.sealing import seal

    root = tmp_path / "mini"
    seed = 0
    for split, count in {"train": 4, "val": 2, "test": 2}.items():
        for index in range(count):
            seed += 1
            label = np.random.default_rng(seed).integers(0, 4, (24, 32), dtype=np.uint8)
            label[0, 0] = 255
            name = f"{split}{index}.png"
            write_files(root, {f"{split}/images/{name}": png(noise(seed)), f"{split}/labels/{name}": png(label)})
    colours = {"road": (128, 64, 128), "sky": (128, 128, 128), "car": (64, 0, 128)}
    info = DatasetInfo(
        id="mini",
        title="Mini",
        classes=tuple(ClassInfo(name=name, colour=colour) for name, colour in colours.items()),
        void=3,
        licence="none",
        citation="none",
        source="a test",
    )
    seal(root, info)
    return root


# Two processes that compile into one folder read each other's half-written libraries.
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(Path(tempfile.gettempdir()) / f"torchinductor_{os.getuid()}_{worker}")
