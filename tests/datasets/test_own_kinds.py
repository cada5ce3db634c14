"""Own data as people have it: what is taken, converted, warned of, and refused in a sentence."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from hyperseg.cli.data import command
from hyperseg.data.card import warn_of_labels
from hyperseg.data.prepared import open_dataset, read_image, read_label
from hyperseg.data.reference import dataset_ref
from hyperseg.datasets.disk import disk_errors
from hyperseg.datasets.verify import verify
from hyperseg.errors import UserError

SPLITS = {"train": 2, "val": 1}


def cli(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def told(result: Result) -> str:
    assert isinstance(result.exception, UserError), result.output
    assert "\n" not in str(result.exception)
    return str(result.exception)


@pytest.fixture
def lots(make, tmp_path) -> Path:
    """A sound folder of the layout <split>/images: two classes, lot and car."""
    (tmp_path / "classes.yaml").write_text("classes: [lot, car]\n")
    files, seed = {}, 0
    for split, count in SPLITS.items():
        for index in range(count):
            seed += 1
            files[f"{split}/images/{index}.png"] = make.png(make.noise(seed))
            label = np.random.default_rng(seed).integers(0, 2, (24, 32), dtype=np.uint8)
            files[f"{split}/labels/{index}.png"] = make.png(label)
    return make.write_files(tmp_path / "lots", files)


def add(folder: Path, *more: object, copy: bool = True) -> Result:
    out = ("--out", folder.parent / "data" / "made") if copy else ()
    return cli("add", folder, "--classes", folder.parent / "classes.yaml", *out, *more)


def made(folder: Path, copy: bool = True):
    return verify(folder.parent / "data" / "made" if copy else folder)


def change_labels(folder: Path, change) -> None:
    for path in folder.glob("*/labels/*.png"):
        picture = change(np.asarray(Image.open(path)))
        picture.save(path)


@pytest.mark.parametrize("copy", [True, False])
def test_masks_of_0_and_255_are_warned_of_with_the_question(lots, copy, capsys):
    change_labels(lots, lambda values: Image.fromarray(values * np.uint8(255)))
    done = add(lots, copy=copy)
    assert done.exit_code == 0
    question = "class car has no pixel in any label, and "
    assert question in done.stderr
    assert "which means ignored: is 255 your class car?" in done.stderr
    dataset = made(lots, copy)
    for card in (True, False):
        warn_of_labels(dataset)
        assert question in capsys.readouterr().err
        if card:
            (dataset.root / "card.json").unlink()
    assert question in cli("verify", dataset.root).stderr


def test_a_sound_dataset_is_warned_of_nothing(lots):
    assert add(lots).stderr == ""


def test_pictures_of_one_colour_are_warned_of(lots, make):
    (lots / "train" / "images" / "0.png").write_bytes(make.png(np.full((24, 32, 3), 255, np.uint8)))
    assert "1 picture is of one colour throughout: train/images/0.png" in add(lots).stderr


@pytest.mark.parametrize("copy", [True, False])
def test_void_may_be_zero_and_the_classes_begin_at_one(lots, copy):
    (lots.parent / "classes.yaml").write_text("classes: [car]\nvoid: 0\n")
    stored = np.asarray(Image.open(lots / "train" / "labels" / "0.png"))
    assert add(lots, copy=copy).stderr == ""
    (sample, _) = made(lots, copy).samples("train")
    assert (read_label(sample) == np.where(stored == 1, 0, 255)).all()
    assert (read_label(sample, "class") == np.where(stored == 1, 0, 1)).all()
    (lots.parent / "classes.yaml").write_text("classes: [background, car]\nvoid: 0\n")
    assert "labels hold the values 1 background, 2 car, as void is 0" in add(lots, copy=copy).stderr


def test_colour_labels_are_read_by_the_exact_colours_of_the_classes(lots):
    colours = np.array([[0, 200, 0], [200, 0, 0]], np.uint8)
    stored = np.asarray(Image.open(lots / "train" / "labels" / "0.png"))
    change_labels(lots, lambda values: Image.fromarray(colours[values]))
    assert "stores colours, not label values; give every class its own colour" in told(add(lots))
    listed = "classes:\n- {name: lot, colour: [0, 200, 0]}\n- {name: car, colour: [200, 0, %s]}\n"
    (lots.parent / "classes.yaml").write_text(listed % 0)
    assert "give --out to have such labels converted" in told(add(lots, copy=False))
    assert add(lots).exit_code == 0
    assert (read_label(made(lots).samples("train")[0]) == stored).all()
    (lots.parent / "classes.yaml").write_text(listed % 1)
    words = told(add(lots))
    assert "hold colours that " in words
    assert "(200, 0, 0) (" in words
    assert "add --unknown-colours ignore" in words
    assert add(lots, "--unknown-colours", "ignore").exit_code == 0
    assert (read_label(made(lots).samples("train")[0]) == np.where(stored == 1, 255, 0)).all()
    assert "Colours that are of no class are ignored: (200, 0, 0)" in made(lots).info.notes[0]


@pytest.mark.parametrize("copy", [True, False])
def test_labels_may_be_called_png_in_capitals(lots, copy):
    for path in list(lots.glob("*/labels/*.png")):
        path.rename(path.with_suffix(".PNG"))
    assert add(lots, copy=copy).exit_code == 0
    assert all(read_label(sample).shape == (24, 32) for sample in made(lots, copy).samples("train+val"))


def test_labels_may_have_a_suffix(lots):
    for path in list(lots.glob("*/labels/*.png")):
        path.rename(path.with_stem(f"{path.stem}_mask"))
    for copy in (True, False):
        assert "as their images and _mask; add --out and --label-suffix _mask" in told(add(lots, copy=copy))
    assert "add --out" in told(add(lots, "--label-suffix", "_mask", copy=False))
    assert add(lots, "--label-suffix", "_mask").exit_code == 0
    assert [sample.name for sample in made(lots).samples("train")] == ["0", "1"]


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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("classes: [no, sky]", "at classes.0.name: text is needed, not False; put it in quotes"),
        ("classes: [2, sky]", "at classes.0.name: text is needed, not 2; put it in quotes"),
        ("classes: [lot, car]\nclasses: [car, lot]", "key 'classes' stands twice"),
        ("classes: [lot, !!int abc]", "holds a value that YAML cannot read"),
        ("classes: [lot, " + "9" * 5000 + "]", "holds a value that YAML cannot read"),
        ("classes: " + "[" * 5000, "nested deeper than"),
        ("classes: [lot, car]\nid: camvid", "'camvid' is the id of a published dataset"),
        ('classes: [lot, "c\\e[31mar"]', "holds a control character, which a terminal would obey"),
    ],
)
def test_files_of_classes_that_do_not_fit_are_refused(lots, text, words):
    (lots.parent / "classes.yaml").write_text(text)
    assert words in told(add(lots))


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


def test_names_with_escape_codes_do_not_reach_the_terminal(lots, make):
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


@pytest.mark.parametrize("copy", [True, False])
def test_a_palette_in_the_colours_of_other_classes_is_refused(lots, copy):
    classes = lots.parent / "classes.yaml"
    classes.write_text("classes: [{name: lot, colour: [9, 9, 9]}, {name: car, colour: [0, 0, 200]}]\n")

    def in_colours(values: np.ndarray, *palette: int) -> Image.Image:
        picture = Image.fromarray(values)
        picture.putpalette(palette)
        return picture

    change_labels(lots, lambda values: in_colours(values, 0, 0, 200, 9, 9, 9))
    sentence = told(add(lots, copy=copy))
    assert "shows the value 0 in the colour of class car, whose value is 1; save it as RGB" in sentence
    change_labels(lots, lambda values: in_colours(values, 9, 9, 9, 1, 2, 3))
    add(lots, copy=copy)
    assert made(lots, copy).splits == SPLITS


def test_a_bad_file_is_named_with_the_folder_where_it_can_be_corrected(lots):
    (lots / "train/images/0.png").write_bytes(b"x")
    assert f"{lots} is not sound: train/images/0.png (no picture); correct these files there" in told(add(lots))


def test_a_label_suffix_may_have_the_extension_and_one_of_no_label_is_named(lots):
    for path in lots.glob("*/labels/*.png"):
        path.rename(path.with_stem(f"{path.stem}_mask"))
    assert "is called as its image and _x (0_mask, 1_mask); correct" in told(add(lots, "--label-suffix", "_x"))
    add(lots, "--label-suffix", "_mask.png")
    assert made(lots).splits == SPLITS


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
