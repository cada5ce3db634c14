"""Own files and their names as people have them: what is taken, and what is refused in a sentence."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from data_command import cli, told
from own_data import SPLITS, add, made
from PIL import Image

from hyperseg.data.prepared import open_dataset, read_image
from hyperseg.data.reference import dataset_ref
from hyperseg.datasets.disk import disk_errors
from hyperseg.errors import UserError


@pytest.mark.parametrize("copy", [True, False])
def test_what_file_browsers_leave_behind_is_no_part_of_a_dataset(lots, copy):
    for name in ("images/Thumbs.db", "labels/desktop.ini", "images/.DS_Store"):
        (lots / "train" / name).write_bytes(b"x")
    assert add(lots, copy=copy).exit_code == 0
    assert made(lots, copy).splits == SPLITS


def test_pictures_in_folders_are_copied_out_of_them(lots):
    for kind in ("images", "labels"):
        (lots / "train" / kind / "city").mkdir()
        (lots / "train" / kind / "0.png").rename(lots / "train" / kind / "city" / "0.png")
    assert "holds folders of pictures: city/0.png" in told(add(lots, copy=False))
    assert add(lots).exit_code == 0
    assert [sample.name for sample in made(lots).samples("train")] == ["1", "city_0"]
    for kind in ("images", "labels"):
        (lots / "train" / kind / "1.png").rename(lots / "train" / kind / "city_0.png")
    assert "would both be called city_0; rename one of them" in told(add(lots))


@pytest.mark.parametrize("copy", [True, False])
def test_links_are_followed_and_dangling_ones_named(lots, copy, tmp_path):
    (lots / "val").rename(tmp_path / "elsewhere")
    (lots / "val").symlink_to(tmp_path / "elsewhere")
    assert add(lots, copy=copy).exit_code == 0
    assert made(lots, copy).splits == SPLITS
    (tmp_path / "elsewhere" / "images" / "x.png").symlink_to(tmp_path / "gone.png")
    assert "x.png is a link that leads nowhere; restore what it pointed to" in told(add(lots, copy=copy))
    (tmp_path / "elsewhere" / "images" / "x.png").unlink()
    (tmp_path / "elsewhere" / "images" / "round").symlink_to(tmp_path / "elsewhere")
    assert "is a link to a folder above it" in told(add(lots, copy=copy))


def test_an_upright_picture_is_what_every_reader_gets(lots):
    exif = Image.Exif()
    exif[0x0112] = 3
    path = lots / "train" / "images" / "0.png"
    stored = np.asarray(Image.open(path))
    Image.fromarray(stored).save(path, exif=exif)
    assert add(lots).exit_code == 0
    assert (read_image(made(lots).samples("train")[0]) == stored[::-1, ::-1]).all()


def test_a_folder_with_a_space_gives_an_id_without(lots):
    done = cli("add", lots, "--classes", lots.parent / "classes.yaml", "--out", lots.parent / "our own lots")
    assert done.exit_code == 0
    dataset = open_dataset(lots.parent / "our own lots")
    assert (dataset.id, dataset.title) == ("our_own_lots", "our own lots")


def test_a_file_called_png_that_is_something_else_is_named(lots):
    for kind, name in (("JPEG", "0.png"), ("GIF", "1.png")):
        path = lots / "train" / "labels" / name
        Image.fromarray(np.asarray(Image.open(path))).save(path, kind)
    words = told(add(lots))
    assert "train/labels/0.png (a JPEG picture, no PNG; labels are PNGs, which keep every value)" in words
    assert "train/labels/1.png (a GIF picture; images are PNG, JPEG, BMP, TIFF or WebP, labels PNG)" in words
    assert str(lots.parent / "data" / ".") not in words, "no hidden folder of the work is named"


def test_names_with_escape_codes_do_not_reach_the_terminal(lots):
    (lots / "train" / "images" / "a\x1b[31m.txt").write_text("x")
    words = told(add(lots))
    assert "\x1b" not in words
    assert r"a\x1b[31m.txt" in words


def test_a_record_says_what_tells_one_copy_from_another(lots, make):
    (lots / "val" / "images" / "0.png").write_bytes(make.png(make.noise(9, 20, 32)))
    (lots / "val" / "labels" / "0.png").write_bytes(make.png(np.eye(20, 32, dtype=np.uint8)))
    assert add(lots).exit_code == 0
    dataset = made(lots)
    for card in (True, False):
        ref = dataset_ref(dataset, "train+val")
        assert (ref.images, ref.image_sizes) == (3, {"32x24": 2, "32x20": 1})
        assert (ref.title, ref.source, ref.partial) == ("made", "own data", False)
        if card:
            (dataset.root / "card.json").unlink()


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31mb", "a\udcff"])
@pytest.mark.parametrize("copy", [True, False])
def test_a_name_that_no_manifest_can_hold_is_named_in_print(lots, name, copy):
    for kind in ("images", "labels"):
        (lots / f"train/{kind}/0.png").rename(lots / f"train/{kind}/{name}.png")
    sentence = told(add(lots, copy=copy))
    assert sentence.isprintable()
    assert "control characters or one that is not UTF-8; rename it" in sentence


def test_accents_that_are_apart_in_one_of_two_names_are_put_together_in_a_copy(lots):
    apart, together = "a\u0308", "\u00e4"
    (lots / "train/images/0.png").rename(lots / f"train/images/{apart}.png")
    (lots / "train/labels/0.png").rename(lots / f"train/labels/{together}.png")
    assert "look alike, but their names are other bytes" in told(add(lots, copy=False))
    add(lots)
    sample = made(lots).samples("train")[1]
    assert sample.name == together
    assert sample.label is not None


@pytest.mark.parametrize("copy", [True, False])
def test_a_split_without_an_image_is_refused_not_left_out(lots, copy):
    for path in lots.glob("val/*/*.png"):
        path.unlink()
    assert "val/images holds no image; put the images of split val there or remove it" in told(add(lots, copy=copy))
    assert not (lots / "dataset.yaml").exists()


def test_a_bad_file_is_named_with_the_folder_where_it_can_be_corrected(lots):
    (lots / "train/images/0.png").write_bytes(b"x")
    assert f"{lots} is not sound: train/images/0.png (no picture); correct these files there" in told(add(lots))


def test_a_file_larger_than_any_picture_is_not_taken_into_memory(lots, monkeypatch):
    monkeypatch.setattr("hyperseg.datasets.inspection.MAX_PICTURE_BYTES", 1 << 12)
    with (lots / "train/images/0.png").open("wb") as file:
        file.truncate(1 << 13)
    assert "train/images/0.png (8192 bytes, more than any picture that is read)" in told(add(lots))


def test_the_current_folder_as_out_is_refused_by_what_it_holds(lots, monkeypatch):
    monkeypatch.chdir(lots)
    assert "holds files that were not made there by `hyperseg data`: train, val;" in told(
        cli("add", lots, "--classes", lots.parent / "classes.yaml", "--out", ".")
    )


def test_a_full_disk_is_named_by_what_was_written_not_by_what_was_read(tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"x" * 100_000)
    full = Path("/dev/full")
    with (
        pytest.raises(UserError, match="cannot read or write /dev/full: no space left"),
        disk_errors(full, "free some"),
    ):
        shutil.copyfile(source, full)
