"""`make audit` asks a vulnerability database on loopback about every pin of every lock."""

import json
import os
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
AUDITOR = ROOT / ".venv/apart/audit"
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", flags=re.M)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not AUDITOR.is_dir(), reason="without pip-audit; `make .venv/apart/audit` installs it"),
]


class Database(ThreadingHTTPServer):
    """Answers OSV's queries: nothing is known but of the pins in `unsafe`."""

    def __init__(self) -> None:
        self.asked: set[tuple[str, str]] = set()
        self.unsafe: dict[tuple[str, str], str] = {}
        database = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_POST(self) -> None:
                query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                pin = (query["package"]["name"], query["version"])
                database.asked.add(pin)
                body = json.dumps(database.answer(*pin)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1/query"

    def answer(self, name: str, version: str) -> dict[str, object]:
        if (name, version) not in self.unsafe:
            return {}
        package = {"name": name, "ecosystem": "PyPI"}
        ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]
        affected = [{"package": package, "ranges": ranges, "versions": [version]}]
        found = {"id": self.unsafe[name, version], "summary": "s", "details": "d", "affected": affected}
        return {"vulns": [found | {"published": "2026-01-01T00:00:00Z"}]}


@pytest.fixture
def database() -> Iterator[Database]:
    server = Database()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def audit(url: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"PYTHONPATH": str(AUDITOR)}
    command = [ROOT / "workflow/audit.sh", "--osv-url", url]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def locked() -> set[tuple[str, str]]:
    texts = [file.read_text() for file in (ROOT / "requirements.lock", *(ROOT / "workflow").glob("*.lock"))]
    return {pin for text in texts for pin in PIN.findall(text)}


def test_every_pin_of_every_lock_is_looked_up_and_only_the_allowed_finding_passes(database: Database) -> None:
    (diskcache,) = {pin for pin in locked() if pin[0] == "diskcache"}  # gone from the lock: take it out of audit.sh
    database.unsafe[diskcache] = "GHSA-w8v5-vhqr-4h9v"
    numpy = sorted(pin for pin in locked() if pin[0] == "numpy")  # versions for several Pythons
    assert len(numpy) > 1
    database.unsafe[numpy[-1]] = "PYSEC-2026-1"
    done = audit(database.url)
    assert database.asked == locked()
    assert done.returncode == 1, done.stderr
    assert "1 ignored" in done.stderr
    assert [line.split()[:3] for line in done.stdout.splitlines() if "-2026-" in line] == [[*numpy[-1], "PYSEC-2026-1"]]


def test_a_database_that_cannot_be_reached_is_one_sentence() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        done = audit(f"http://127.0.0.1:{free.getsockname()[1]}/v1/query")
    assert done.returncode == 2
    assert done.stderr.startswith("error: the audit did not end: ")
    assert done.stderr.count("\n") == 1
