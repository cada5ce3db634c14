"""The page in a browser: what its script does, and that it says nothing on the console. Skipped without Chromium."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from claims_frame import claims_frame

from hyperseg.report.build import Sources, page_files
from hyperseg.report.collection import load
from hyperseg.report.facts import read_paper
from hyperseg.report.inputs import Inputs

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (Debian: chromium)"),
]
ROOT = Path(__file__).parents[2]
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-component-update",
    "--disable-background-networking", "--disable-sync", "--enable-logging=stderr", "--window-size=1280,900",
)  # fmt: skip
SCRIPT = ROOT / "tests/support/page_actions.js"  # what a reader does, its outcome left in the document


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the committed CamVid records with made-up verdicts."""
    collection = load([ROOT / "results/reference/camvid"])
    paper = read_paper(ROOT / "results/paper/paper.csv")
    files = page_files(Inputs(collection, paper, claims=claims_frame()), Sources())
    folder = tmp_path_factory.mktemp("site")
    (folder / "index.html").write_bytes(files["index.html"])
    text = files["index.html"].decode()
    acted = text.replace("</body>", f"<script>{SCRIPT.read_text(encoding='utf-8')}</script></body>")
    (folder / "acted.html").write_text(acted, encoding="utf-8")
    return folder


def run(site: Path, name: str, *flags: str) -> tuple[str, str]:
    """The document after its script ran, and the console's lines."""
    assert CHROMIUM is not None
    command = [
        CHROMIUM,
        *FLAGS,
        *flags,
        f"--user-data-dir={site / 'profile'}",
        "--virtual-time-budget=4000",
        "--dump-dom",
    ]
    done = subprocess.run([*command, f"file://{site / name}"], capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


@pytest.fixture(scope="module")
def outcome(site: Path) -> dict[str, Any]:
    document, console = run(site, "acted.html")
    found = re.search(r'<pre id="outcome">(.*?)</pre>', document, re.DOTALL)
    assert found is not None, console
    acted: dict[str, Any] = json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    return acted | {"console": console}


def test_a_number_opens_the_panel_and_is_recomputed(outcome: dict[str, Any]) -> None:
    assert outcome["opened"]
    assert outcome["value"].startswith("51.45")
    assert outcome["recomputed"] == "51.4511 ✓"
    assert outcome["raw"] == "evaluation"
    assert outcome["differs"] > 2
    assert outcome["closed"]
    assert outcome["back"]


def test_tables_sort_hide_columns_and_are_searched(outcome: dict[str, Any]) -> None:
    assert outcome["rising"] == sorted(outcome["rising"])
    assert outcome["falling"] == sorted(outcome["rising"], reverse=True)
    assert outcome["hidden"] == "none"
    assert re.fullmatch(r"\d+ rows", outcome["found"])


def test_points_theme_and_targets(outcome: dict[str, Any]) -> None:
    assert outcome["tipShown"]
    assert "the paper's number" in outcome["tip"]
    assert outcome["themes"][0] != outcome["themes"][1]
    assert outcome["small"] == []
    assert outcome["wide"] <= 0
    assert outcome["console"] == ""


def test_an_address_opens_a_record_and_a_phone_needs_no_sideways_scrolling(site: Path) -> None:
    anchor = re.findall(r'id="(record-[0-9a-f]{12})"', (site / "index.html").read_text(encoding="utf-8"))[0]
    document, console = run(site, f"index.html#{anchor}/miou_percent_paper_v1", "--window-size=390,844")
    assert 'id="recomputed"' in document
    assert "✓" in document.split('id="recomputed"')[1][:40]
    assert console == ""
