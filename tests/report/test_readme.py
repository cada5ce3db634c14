"""The README and reports/reference are in step with the committed records; CITATION.cff with the package."""

import json
import re
from pathlib import Path

import pytest
import yaml
from record_factory import evaluation, write

import hyperseg
from hyperseg.errors import UserError
from hyperseg.files import sha256_file
from hyperseg.report.build import tables_of
from hyperseg.report.collection import load
from hyperseg.report.facts import read_paper
from hyperseg.report.metrics import to_json
from hyperseg.report.readme import NOTHING, fill, fill_file
from hyperseg.report.tables.formats import to_csv, to_latex, to_markdown

ROOT = Path(__file__).parents[2]
REPORTS = sorted(path.parent for path in (ROOT / "reports/reference").glob("*/report.json"))


def test_the_readme_is_what_the_command_makes() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.count("<!-- begin ") == 6
    assert fill(text, ROOT) == text, "run: hyperseg report --readme README.md"


def test_links_of_the_readme_lead_somewhere() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = [t for t in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in t]
    assert len(targets) >= 6
    for target in targets:
        committed = not target.startswith(("reports/reference", "results/reference")) or REPORTS
        assert not committed or (ROOT / target).exists(), target


@pytest.mark.parametrize("folder", REPORTS or [None], ids=lambda folder: folder.name if folder else "none committed")
def test_committed_reports_are_made_from_the_committed_records(folder: Path | None) -> None:
    if folder is None:
        assert not (ROOT / "reports/reference").is_dir() or not any((ROOT / "reports/reference").rglob("*.html"))
        return
    records = ROOT / "results/reference" / folder.name
    collection = load([records])
    listed = json.loads((folder / "report.json").read_text())
    assert listed["records"] == [{"file": entry.name, "sha256": entry.sha256} for entry in collection]
    for name, sha256 in listed["files"].items():
        assert sha256_file(folder / name) == sha256, name
    assert (folder / "metrics.json").read_text() == to_json(collection)
    for table in tables_of(collection, read_paper(ROOT / "results/paper/paper.csv")):
        for kind, form in (("csv", to_csv), ("md", to_markdown), ("tex", to_latex)):
            assert (folder / f"tables/{table.id}.{kind}").read_text() == form(table), table.id


def test_blocks_are_filled_from_the_records_they_name(tmp_path: Path) -> None:
    text = "before\n<!-- begin accuracy r/one r/two -->\nold | text\n<!-- end -->\nafter\n"
    empty = fill(text, tmp_path)
    assert empty == f"before\n<!-- begin accuracy r/one r/two -->\n{NOTHING}<!-- end -->\nafter\n"
    write(tmp_path / "r/one", {"e.json": evaluation()})
    (tmp_path / "README.md").write_text(text)
    assert fill_file(tmp_path / "README.md")
    filled = (tmp_path / "README.md").read_text()
    assert "50.00 [49.0, 51.0]" in filled
    assert filled.startswith("before\n")
    assert filled.endswith("<!-- end -->\nafter\n")
    assert not fill_file(tmp_path / "README.md")
    assert fill(filled, tmp_path) == filled


def test_an_unknown_block_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="block 'sumary' is not known"):
        fill("<!-- begin sumary r -->\n<!-- end -->", tmp_path)


def test_the_citation_names_this_version_and_the_paper() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == hyperseg.__version__
    assert citation["license"] == "MIT"
    (paper,) = citation["references"]
    assert [author["family-names"] for author in paper["authors"]] == ["Nirkin", "Wolf", "Hassner"]
    assert paper["year"] == 2021
