"""Lists of pictures: read, refused, and verified against the evaluation that scored the same images."""

from pathlib import Path

import pytest
from scored_images import PER_IMAGE, write_strips

from hyperseg.errors import UserError
from hyperseg.files import sha256_file
from hyperseg.records.raw import write_matrices
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


def test_a_score_is_right_by_any_evaluation_of_the_same_key_in_either_order(listed: Path, tmp_path: Path) -> None:
    record = listed.parents[1] / "record.json"
    other = tmp_path / "other/record.json"  # with the first two matrices changed places
    other.parent.mkdir()
    names = ["b", "a", "c", "d"]
    sha256 = write_matrices(other.with_suffix(".npz"), PER_IMAGE, names)
    other.write_text(record.read_text().replace(sha256_file(record.with_suffix(".npz")), sha256))
    for order in ([record, other, listed], [other, listed, record]):
        assert all(one.holds for one in verify(order))
    listed.write_text(listed.read_text().replace("50.0", "95.0"))
    problem = "miou_percent of b is 95, but its confusion matrix gives 50 or 70.8333"
    for order in ([record, other, listed], [other, listed, record]):
        assert verify(order)[2].problems == (problem,)
    assert verify([other, listed])[1].problems[0].endswith("gives 70.8333")
    other.write_text(other.read_text().replace('["hyperseg"]', '["hyperseg", "evaluate", "--flip"]'))
    assert verify([other, listed])[1].holds  # it averaged in mirror images, as no strip does


def test_a_damaged_file_of_matrices_ends_no_verify(listed: Path) -> None:
    matrices = listed.parents[1] / "record.npz"
    matrices.write_bytes(matrices.read_bytes()[:300])
    record, strips = verify([listed.parents[1]])
    assert record.problems == ("the sha256 of record.npz is not the one that the record names",)
    assert strips.holds  # nothing to derive it from


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
        (text.replace("50.0", "nan"), "miou_percent nan is no number of 0 to 100"),
        (text.replace("50.0", "-534.2"), "miou_percent -534.2 is no number of 0 to 100"),
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
