"""README, docs and reports are in step with the committed records; CITATION.cff with the package."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from folder_content import files_in
from record_factory import evaluation, write

import hyperseg
from hyperseg.errors import UserError
from hyperseg.report.blocks import NOTHING, fill, fill_file
from hyperseg.report.reference import COMMITTED, INDEX, RECORDS, TEXTS, Made, check, make, write_files

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of everything that the repository's own report reads and of what is committed of it."""
    root = tmp_path_factory.mktemp("checkout")
    for folder in ("results/reference", "results/paper", "results/published", COMMITTED, "docs"):
        shutil.copytree(ROOT / folder, root / folder)
    shutil.copy2(ROOT / "README.md", root)
    return root


@pytest.fixture(scope="module")
def made(checkout: Path) -> Made:
    return make(checkout)


@pytest.mark.slow
def test_readme_docs_and_reports_are_in_step_with_the_records(checkout: Path, made: Made) -> None:
    check(checkout, made)


@pytest.mark.slow
def test_building_again_changes_nothing_and_the_page_links_to_its_files(checkout: Path, made: Made) -> None:
    before = files_in(checkout / COMMITTED)
    write_files(checkout, made)
    assert files_in(checkout / COMMITTED) == before
    page = (checkout / INDEX).read_text(encoding="utf-8")
    links = [link for link in re.findall(r'href="([^"#:]+)"', page) if link]
    assert len(links) > 20
    for link in links:
        assert (checkout / INDEX).parent.joinpath(link).is_file(), link


def test_away_from_the_repository_its_root_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"no {RECORDS} in .*; run this command in the repository's root folder"):
        make(tmp_path)


@pytest.mark.slow
def test_whatever_is_out_of_step_is_named(checkout: Path, made: Made, tmp_path: Path) -> None:
    """A table edited, one removed, a foreign one, a text edited."""
    root = tmp_path / "checkout"
    shutil.copytree(checkout, root)
    tables, text = root / COMMITTED / "tables", root / TEXTS[1]
    (tables / "accuracy.md").write_text((tables / "accuracy.md").read_text().replace("51.45", "78.5"))
    (tables / "coverage.md").unlink()
    (tables / "foreign.md").write_text("| a |\n")
    text.write_text(text.read_text().replace("51.45", "78.5"))
    named = ", ".join(f"{COMMITTED}/tables/{name}.md" for name in ("accuracy", "coverage", "foreign"))
    with pytest.raises(UserError, match=rf"out of date.*{named} and 1 more; run `make reference`"):
        check(root, made)
    for name in ("accuracy", "coverage"):
        shutil.copy2(checkout / COMMITTED / f"tables/{name}.md", tables)
    (tables / "foreign.md").unlink()
    with pytest.raises(UserError, match=rf"out of date with {RECORDS}: {TEXTS[1]}; run"):
        check(root, made)


@pytest.mark.parametrize(
    "name", ["README.md", *(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md"))]
)
def test_links_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    headings = {_anchor(line) for line in text.splitlines() if line.startswith("#")}
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", text) if "://" not in target]
    for target in targets:
        file, _, heading = target.partition("#")
        path = (ROOT / name).parent / file if file else ROOT / name
        assert path.exists(), target
        if heading:
            there = headings if not file else {_anchor(x) for x in path.read_text().splitlines() if x.startswith("#")}
            assert heading in there, target


@pytest.mark.slow
def test_the_documentation_builds_as_a_site_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("material", reason="the extra `docs` is not installed")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site/audit/index.html").is_file()
    assert list((tmp_path / "site/figures").glob("*.png"))


def _anchor(heading: str) -> str:
    """The id that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", heading.lstrip("#").strip().lower()).replace(" ", "-")


def test_blocks_are_filled_from_the_records_they_name(tmp_path: Path) -> None:
    text = "before\n<!-- begin accuracy r/one r/two -->\nold | text\n<!-- end -->\nafter\n"
    empty = fill(text, tmp_path)
    assert empty == f"before\n<!-- begin accuracy r/one r/two -->\n{NOTHING}<!-- end -->\nafter\n"
    write(tmp_path / "r/one", {"e.json": evaluation()})
    (tmp_path / "README.md").write_text(text)
    assert fill_file(tmp_path / "README.md", tmp_path)
    filled = (tmp_path / "README.md").read_text()
    assert "50.00 [49.0, 51.0]" in filled
    assert filled.startswith("before\n")
    assert filled.endswith("<!-- end -->\nafter\n")
    assert not fill_file(tmp_path / "README.md", tmp_path)
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
