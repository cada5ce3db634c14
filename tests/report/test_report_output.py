"""The report's folder: whole or not at all, and nothing of the user's lost."""

from pathlib import Path

import pytest
from folder_content import files_in

from hyperseg.errors import UserError
from hyperseg.report.output import CONTENTS, contents, replace_folder

LISTED = b'{"records": [], "files": {"index.html": "0", "tables/a.csv": "0"}}'
FIRST = {"index.html": b"one", "tables/a.csv": b"1", CONTENTS: LISTED}
SECOND = {"index.html": b"two", CONTENTS: b'{"records": [], "files": {"index.html": "0"}}'}


def test_a_report_replaces_an_earlier_one_as_a_whole(tmp_path: Path) -> None:
    out = tmp_path / "reports" / "demo"
    replace_folder(out, FIRST)
    assert files_in(out) == FIRST
    replace_folder(out, SECOND)
    assert files_in(out) == SECOND
    assert list(out.parent.iterdir()) == [out]
    assert out.stat().st_mode & 0o777 == 0o755


def test_a_link_to_a_folder_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    target, link = tmp_path / "far/reports", tmp_path / "near/link"
    link.parent.mkdir()
    link.symlink_to(target, target_is_directory=True)
    for content in (FIRST, SECOND):
        replace_folder(link, content)
        assert link.is_symlink()
        assert files_in(target) == content
    assert [path.name for folder in (link.parent, target.parent) for path in folder.iterdir()] == ["link", "reports"]


def test_an_empty_folder_and_what_tools_leave_in_one_are_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.gitignore").write_text("/index.html\n")
    replace_folder(tmp_path / "out", FIRST)
    assert files_in(tmp_path / "out") == {".gitignore": b"/index.html\n"} | FIRST


@pytest.mark.parametrize("foreign", ["notes.txt", "tables/mine.csv", "index.html"])
def test_a_folder_with_something_else_in_it_is_refused_and_kept(tmp_path: Path, foreign: str) -> None:
    (tmp_path / "out/tables").mkdir(parents=True)
    (tmp_path / "out" / foreign).write_text("mine")
    with pytest.raises(UserError, match=f"holds {foreign}, which no report made"):
        replace_folder(tmp_path / "out", FIRST)
    assert files_in(tmp_path / "out") == {foreign: b"mine"}
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_a_failure_while_writing_leaves_the_earlier_report(tmp_path: Path) -> None:
    replace_folder(tmp_path / "out", FIRST)
    with pytest.raises(UserError, match="cannot write the report"):
        replace_folder(tmp_path / "out", {"index.html": b"two", "index.html/below-a-file": b""})
    assert files_in(tmp_path / "out") == FIRST
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_the_list_of_contents_names_records_and_files_by_hash(demo) -> None:  # type: ignore[no-untyped-def]
    import hashlib
    import json

    listed = json.loads(contents(demo, {"b": b"2", "a": b"1"}))
    assert listed["files"] == {"a": hashlib.sha256(b"1").hexdigest(), "b": hashlib.sha256(b"2").hexdigest()}
    assert [record["file"] for record in listed["records"]] == [entry.name for entry in demo]
