"""A real HTTP server on loopback that misbehaves on demand."""

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


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
