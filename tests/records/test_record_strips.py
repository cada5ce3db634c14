"""Lists of pictures: read, refused, and verified against the evaluation that scored the same images."""

from pathlib import Path

import pytest
from scored_images import write_strips

from hyperseg.errors import UserError
from hyperseg.records.strips import Strip, list_text, read_strips
from hyperseg.records.verify import summary, verify


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    write_strips(tmp_path)
    return tmp_path / "strips/strips.csv"


def test_pictures_and_scores_are_derived_again(listed: Path) -> None:
    found = verify([listed.parents[1]])
    assert [one.path.name for one in found] == ["record.json", "strips.csv"]
    assert summary(found) == "2 of 2 records hold"
    listed.write_text(listed.read_text().replace("50.0", "95.0"))
    assert verify([listed.parents[1]])[1].problems == (
        "miou_percent of b is 95, but its confusion matrix gives 50",
    )  # fmt: skip
    assert verify([listed])[0].holds  # alone, there is nothing to derive it from


def test_a_picture_that_is_another_or_gone_is_named(listed: Path) -> None:
    first, second = listed.with_name("s-1.png"), listed.with_name("s-2.png")
    first.write_bytes(second.read_bytes())
    second.unlink()
    assert verify([listed])[0].problems == (
        "the sha256 of s-1.png is not the one that it names",
        "it names s-2.png, which does not lie beside it",
    )


def test_what_is_no_list_is_refused(listed: Path) -> None:
    text = listed.read_text()
    for changed, message in (
        ("film,strip\n", "is no list of `hyperseg overlay`"),
        (text.replace("s-1.png", "../s-1.png"), "is no name of a file beside it"),
        (text.replace("50.0", "half"), "could not convert"),
        (text + "s-3.png\n", "cannot read"),
    ):
        listed.write_text(changed)
        with pytest.raises(UserError, match=message):
            read_strips(listed)
    assert not verify([listed])[0].holds


def test_names_like_formulas_come_back_as_they_were(tmp_path: Path) -> None:
    made = Strip("=1.png", "a" * 64, "=1", 12.5, "b" * 64, "mine", "c" * 64, "test", "standard", "64x96")
    (tmp_path / "strips.csv").write_text(list_text([made]))
    assert "'=1.png" in (tmp_path / "strips.csv").read_text()
    assert read_strips(tmp_path / "strips.csv") == [made]
