"""Own labels and classes as people have them: what is taken, converted, warned of, and refused in a sentence."""

import numpy as np
import pytest
from data_command import cli, told
from own_data import SPLITS, add, change_labels, made
from PIL import Image

from hyperseg.data.card import warn_of_labels
from hyperseg.data.prepared import read_label


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


def test_one_class_alone_is_warned_of(lots):
    (lots.parent / "classes.yaml").write_text("classes: [car]\n")
    change_labels(lots, lambda values: Image.fromarray(np.where(values == 1, 0, 255).astype(np.uint8)))
    assert "car is the only class, so every network answers it everywhere and scores 100 %; make" in add(lots).stderr


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
        ('classes: [lot, "c\\e[31mar"]', "is no name of a class; give one line of text"),
        ('classes: [lot, "a\\nb"]', "is no name of a class; give one line of text"),
        ('classes: [lot, " "]', "' ' is no name of a class; give one line of text"),
        ('classes: [lot, car]\ntitle: "c\\e[31mar"', "holds a control character, which a terminal would obey"),
    ],
)
def test_files_of_classes_that_do_not_fit_are_refused(lots, text, words):
    (lots.parent / "classes.yaml").write_text(text)
    assert words in told(add(lots))


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


def test_a_label_suffix_may_have_the_extension_and_one_of_no_label_is_named(lots):
    for path in lots.glob("*/labels/*.png"):
        path.rename(path.with_stem(f"{path.stem}_mask"))
    assert "is called as its image and _x (0_mask, 1_mask); correct" in told(add(lots, "--label-suffix", "_x"))
    add(lots, "--label-suffix", "_mask.png")
    assert made(lots).splits == SPLITS
