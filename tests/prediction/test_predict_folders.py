"""Where `hyperseg predict` writes: what it replaces, what it refuses, and names that are hard to keep."""

import csv
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image
from small_prediction import film, predict

from hyperseg.cli.predict import command
from hyperseg.errors import UserError
from hyperseg.prediction.frames import open_source


@pytest.mark.parametrize("source", ["photo.png", "."])
def test_a_picture_in_the_output_folder_is_never_replaced(
    source: str, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (30, 20), "red").save("photo.png")
    before = Path("photo.png").read_bytes()
    with pytest.raises(UserError, match=r"photo\.png lies in \., where results of its name would replace it"):
        predict(source, weights, Path())
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]
    assert Path("photo.png").read_bytes() == before


def test_a_folder_with_other_files_is_refused_and_a_folder_of_results_goes_on(
    pictures: Path, weights: Path, tmp_path: Path
) -> None:
    labels, out = tmp_path / "labels", tmp_path / "out"
    labels.mkdir()
    Image.new("L", (30, 20)).save(labels / "a.png")
    with pytest.raises(UserError, match=r"labels holds files that no prediction made: a\.png; choose another --out"):
        predict(pictures, weights, labels, "--input", "128x128")
    for source in (pictures / "a.png", pictures / "sub" / "b.jpg", pictures / "a.png"):
        assert predict(source, weights, out, "--input", "128x128").exit_code == 0
    rows = [line.split(",")[0] for line in (out / "areas.csv").read_text().splitlines()]
    assert rows == ["frame", "a", "b"]
    (out / "mine.png").write_bytes(b"x")
    with pytest.raises(UserError, match=r"no prediction made: mine\.png"):
        predict(pictures / "a.png", weights, out, "--input", "128x128")


def test_a_video_and_pictures_named_as_its_frames_never_replace_each_other(weights: Path, tmp_path: Path) -> None:
    video = film(tmp_path / "in.mkv", 32, 2, "mpeg4", "yuv420p")
    Image.new("RGB", (30, 20)).save(tmp_path / "000000.png")
    more = "--input", "128x128", "--engine", "eager", "--index"
    sources = {"pictures": tmp_path / "000000.png", "a video": video}
    for kind, source in sources.items():
        predict(source, weights, tmp_path / kind, *more)
    for kind, source in zip(sources, reversed(sources.values()), strict=True):
        before = {path.name: path.read_bytes() for path in (tmp_path / kind).iterdir()}
        with pytest.raises(UserError, match=f"holds the results of {kind}, not of .*; choose another --out"):
            predict(source, weights, tmp_path / kind, *more)
        assert {path.name: path.read_bytes() for path in (tmp_path / kind).iterdir()} == before


def test_results_within_the_source_are_no_pictures_of_the_next_run(
    pictures: Path, weights: Path, tmp_path: Path
) -> None:
    shutil.copy(pictures / "a.png", tmp_path)
    (tmp_path / "._a.png").write_bytes(b"a Mac's")
    for _ in range(2):
        assert "1 frames: " in predict(tmp_path, weights, tmp_path / "out", "--input", "128x128").output


def test_names_that_a_table_must_quote_keep_their_rows(weights: Path, tmp_path: Path) -> None:
    names = ["=1+1", "'=1+1", "a\u2028b", "a,b", '"', "x" * 243]
    for name in names:
        Image.new("RGB", (20, 20)).save(tmp_path / f"{name}.png")
    for _ in range(2):
        predict(tmp_path, weights, tmp_path / "out", "--input", "128x128", "--engine", "eager")
    with (tmp_path / "out" / "areas.csv").open(newline="") as file:
        rows = [row[0] for row in csv.reader(file)]
    assert sorted(rows[1:]) == sorted(["'=1+1", "''=1+1", *names[2:]])
    assert {path.stem for path in (tmp_path / "out").glob("*.png")} == set(names)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a\nb", r"a\\nb\.png has a name with control characters or one that is not UTF-8; rename it$"),
        ("x" * 244, r"^x+\.overlay\.jpg, the result of .*\.png, is too long a name for a file; shorten its name$"),
    ],
)
@pytest.mark.parametrize("alone", [True, False])
def test_a_name_that_results_cannot_have_is_refused_before_anything_is_written(
    name: str, message: str, alone: bool, tmp_path: Path
) -> None:
    file = tmp_path / f"{name}.png"
    Image.new("RGB", (20, 20)).save(file)
    with pytest.raises(UserError, match=message):
        open_source(str(file if alone else tmp_path), out=tmp_path / "out")


def test_an_empty_path_is_not_the_current_folder(
    pictures: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"^source is empty; name a file or a folder$"):
        predict("", weights, tmp_path / "out")
    with pytest.raises(UserError, match=r"^--out is empty; name a file or a folder$"):
        CliRunner().invoke(command, [str(pictures), "--out", ""], catch_exceptions=False)
    assert list(tmp_path.iterdir()) == []


def test_a_table_of_something_else_is_no_result(weights: Path, tmp_path: Path) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "areas.csv").write_text("frame" * 100_000)
    with pytest.raises(UserError, match=r"holds files that no prediction made: areas\.csv"):
        predict(tmp_path / "a.png", weights, tmp_path / "out", "--input", "128x128")
