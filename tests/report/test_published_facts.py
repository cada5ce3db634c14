"""The facts in results/: every row has a source, and every row can be read."""

import csv
from pathlib import Path

import pytest

from hyperseg.errors import UserError
from hyperseg.report.facts import read_paper, read_peers


def test_every_row_of_the_paper_has_a_source(root: Path) -> None:
    rows = read_paper(root / "results/paper/paper.csv")
    assert len(rows) == 6
    assert {row.variant for row in rows} == {
        "voc_hyperseg_l", "cityscapes_hyperseg_m", "cityscapes_hyperseg_s", "camvid_hyperseg_s", "camvid_hyperseg_l",
    }  # fmt: skip
    assert all(row.source.strip() for row in rows)


@pytest.mark.parametrize(
    ("name", "count", "web"),
    [
        ("published_peers.csv", 200, False),
        ("published_peers_web.csv", 19, True),
        ("published_peers_2026.csv", 208, None),
    ],
)
def test_every_published_row_has_a_source(root: Path, name: str, count: int, web: bool | None) -> None:
    path = root / "results/published" / name
    with path.open(encoding="utf-8", newline="") as file:
        raw = list(csv.DictReader(file))
    assert len(raw) == count
    for row in raw:
        assert row["source_repo"].strip()
        assert row["source_path"].strip()
        assert row["source_repo"] == "(web page)" or row["source_commit"], row
    rows = read_peers(path)
    assert len(rows) == count
    assert {row.web_only for row in rows} == ({True, False} if web is None else {web})


def test_a_bad_number_is_named_by_its_line(tmp_path: Path, root: Path) -> None:
    text = (root / "results/paper/paper.csv").read_text().replace("76.2", "many", 1)
    (tmp_path / "paper.csv").write_text(text)
    with pytest.raises(UserError, match="line 3 of"):
        read_paper(tmp_path / "paper.csv")


def test_milliseconds_are_the_stated_latency_else_from_the_frame_rate(root: Path) -> None:
    rows = {(row.variant, row.split): row for row in read_paper(root / "results/paper/paper.csv")}
    assert rows["camvid_hyperseg_s", "test"].milliseconds == 26.3
    assert rows["cityscapes_hyperseg_s", "val"].milliseconds == pytest.approx(1000 / 16.1)
    assert rows["voc_hyperseg_l", "val"].milliseconds is None
