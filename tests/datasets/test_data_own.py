"""A user's own data, the cards, the contact sheet and Croissant: from a folder to every export."""

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
from data_command import cli
from folder_content import files_in
from PIL import Image

from hyperseg.data.description import ClassInfo
from hyperseg.data.overlay import overlay
from hyperseg.data.prepared import open_dataset
from hyperseg.datasets.card import DatasetCard, read_card
from hyperseg.datasets.card_text import html, markdown
from hyperseg.datasets.croissant import croissant_text
from hyperseg.datasets.show import choose
from hyperseg.datasets.verify import verify
from hyperseg.errors import UserError

CLASSES = "classes: [road, {name: sky, colour: [70, 130, 180]}]\nvoid: 9\nlicence: mine\n"


@pytest.fixture
def pictures(make, tmp_path) -> Path:
    """images/<split>, labels/<split>, with JPEG-named pictures as users have them."""
    files = {}
    for seed, name in enumerate(["train/a.b.jpg", "train/b.jpg", "val/c.jpg"]):
        label = np.random.default_rng(seed).choice([0, 1, 9, 255], (24, 32)).astype(np.uint8)
        files[f"images/{name}"] = make.png(make.noise(seed))
        files[f"labels/{name.removesuffix('.jpg')}.png"] = make.png(label)
    (tmp_path / "classes.yaml").write_text(CLASSES)
    return make.write_files(tmp_path / "pictures", files)


@pytest.mark.parametrize("layout", ["images/<split>", "<split>/images", "images"])
def test_own_folder_in_three_layouts(pictures, tmp_path, layout):
    folder = tmp_path / "own"
    for path in sorted(pictures.rglob("*.*")):
        kind, split, name = path.relative_to(pictures).parts
        places = {"images/<split>": (kind, split), "<split>/images": (split, kind), "images": (kind,)}
        target = folder.joinpath(*places[layout], name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    done = cli("add", folder, "--classes", tmp_path / "classes.yaml", "--out", tmp_path / "data" / "mine")
    assert done.exit_code == 0, done.exception
    made = verify(tmp_path / "data" / "mine")
    assert made.splits == ({"all": 3} if layout == "images" else {"train": 2, "val": 1})
    assert [entry.name for entry in made.classes] == ["road", "sky"]
    assert made.classes[1].colour == (70, 130, 180)
    assert (made.id, made.void, made.info.licence) == ("mine", 9, "mine")


def test_own_folder_in_place_keeps_its_pictures(pictures, tmp_path):
    classes = tmp_path / "classes.yaml"
    assert "is not laid out as <split>/images" in str(cli("add", pictures, "--classes", classes).exception)
    assert not (pictures / "dataset.yaml").exists()
    folder = tmp_path / "own"
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            shutil.copytree(pictures / kind / split, folder / split / kind)
    (folder / "val" / "labels" / "c.png").rename(folder / "c.png")
    done = cli("add", folder, "--classes", classes)
    assert "c.png (no part of a dataset), val/images/c.jpg (no label beside it)" in str(done.exception)
    assert not (folder / "dataset.yaml").exists(), "nothing half-written"
    (folder / "c.png").rename(folder / "val" / "labels" / "c.png")
    assert cli("add", folder, "--classes", classes).exit_code == 0
    assert verify(folder).id == "own"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("classes: road", "has no list of classes; write `classes: [road, sky]` into it"),
        ("classes: [", "is not YAML"),
        ("classes: [road, road]", "class 'road' is listed twice"),
        ("classes: []", "does not describe a dataset at classes"),
        ("classes: [road, sky]\nvoid: 1", "void is 1, which is the index of class 'sky'"),
        ("classes: [road, sky]", "value 9 is no class"),
        ("classes: [road, sky]\nsize: 3", "at size: there is no such key"),
    ],
)
def test_own_classes_that_do_not_fit_are_told(pictures, tmp_path, text, words):
    (tmp_path / "classes.yaml").write_text(text)
    done = cli("add", pictures, "--classes", tmp_path / "classes.yaml", "--out", tmp_path / "mine")
    assert isinstance(done.exception, UserError)
    assert words in str(done.exception)
    assert not (tmp_path / "mine").exists()


def test_own_folders_that_do_not_fit_are_told(pictures, tmp_path):
    classes = ("--classes", tmp_path / "classes.yaml", "--out", tmp_path / "mine")
    assert "there is no folder" in str(cli("add", tmp_path / "none", *classes).exception)
    (tmp_path / "empty").mkdir()
    assert "has no <split>/images nor images/<split>" in str(cli("add", tmp_path / "empty", *classes).exception)
    (pictures / "images" / "train" / "notes.txt").write_text("x")
    assert "holds files that are no images: notes.txt" in str(cli("add", pictures, *classes).exception)
    assert not (tmp_path / "mine").exists()


def test_card_counts_what_the_files_hold(dataset):
    card = read_card(dataset)
    assert DatasetCard.model_validate_json((dataset / "card.json").read_bytes()) == card
    labels = [np.asarray(Image.open(path)) for path in sorted(dataset.glob("*/labels/*.png"))]
    images = [np.asarray(Image.open(path)) for path in sorted(dataset.glob("*/images/*.png"))]
    pixels = np.concatenate([label.ravel() for label in labels])
    for entry in card.classes:
        assert entry.pixels == int((pixels == entry.index).sum())
        assert entry.images == sum((label == entry.index).any() for label in labels)
        assert entry.share_percent == pytest.approx(100 * entry.pixels / (pixels < 3).sum(), abs=1e-3)
    assert card.void_percent == pytest.approx(100 * (pixels == 3).mean(), abs=1e-3)
    assert card.ignored_percent == pytest.approx(100 * (pixels == 255).mean(), abs=1e-3)
    colours = np.concatenate([image.reshape(-1, 3) for image in images]).astype(float)
    assert card.mean_rgb == pytest.approx(colours.mean(axis=0), abs=1e-2)
    assert card.std_rgb == pytest.approx(colours.std(axis=0), abs=1e-2)
    assert card.splits["train"].sizes == {"32x24": 4}
    assert card.version == open_dataset(dataset).version


def test_a_card_of_another_version_is_not_believed(dataset):
    stale = json.loads((dataset / "card.json").read_text())
    stale.update(version="0" * 64, title="Stale")
    (dataset / "card.json").write_text(json.dumps(stale))
    assert read_card(dataset).title == "Mini"
    (dataset / "card.json").write_text("{")
    assert read_card(dataset).title == "Mini"


def test_card_texts_say_version_and_every_class(dataset):
    card = read_card(dataset).model_copy(update={"notes": ("Beware of <b>",)})
    for text in (markdown(card), html(card)):
        assert card.version in text
        assert all(entry.name in text for entry in card.classes)
    assert "Beware of &lt;b&gt;" in html(card)
    assert "<script" not in html(card)
    assert "http" not in html(card)


def test_croissant_is_valid_and_reads_the_right_bytes(dataset, monkeypatch):
    mlc = pytest.importorskip("mlcroissant", reason="the extra `datasets`")
    text = croissant_text(open_dataset(dataset), read_card(dataset), "https://example.org")
    assert text is not None
    path = dataset / ".croissant.json"
    path.write_text(text)
    monkeypatch.chdir(dataset)
    logging.getLogger("absl").setLevel(logging.ERROR)
    described = mlc.Dataset(jsonld=path)
    assert described.metadata.version.endswith(open_dataset(dataset).version[:12])
    for kind in ("images", "labels"):
        records = {
            record[f"val/{kind}/name"].decode(): np.asarray(record[f"val/{kind}/picture"])
            for record in described.records(f"val/{kind}")
        }
        assert sorted(records) == ["val0", "val1"]
        for name, picture in records.items():
            stored = np.asarray(Image.open(dataset / "val" / kind / f"{name}.png").convert("RGB"))
            assert (picture == stored).all()


def test_card_command_writes_three_files_and_leaves_the_dataset_alone(dataset, tmp_path):
    before = files_in(dataset)
    done = cli("card", dataset, "--out", tmp_path / "cards")
    assert done.exit_code == 0, done.exception
    written = {path.name for path in (tmp_path / "cards").iterdir()}
    assert {"mini.md", "mini.html"} <= written <= {"mini.md", "mini.html", "mini.croissant.json"}
    assert cli("card", dataset).output == (tmp_path / "cards" / "mini.md").read_text()
    assert files_in(dataset) == before


def test_show_writes_a_sheet_and_prints_the_classes(dataset, tmp_path):
    sheet = tmp_path / "sheet.png"
    done = cli("show", dataset, "--out", sheet, "--rows", "3")
    assert done.exit_code == 0, done.exception
    with Image.open(sheet) as picture:
        assert picture.size[0] > 2000
        assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 500
    assert all(name in done.output for name in ("road", "sky", "car", str(sheet)))


def test_sheet_takes_samples_of_every_split(dataset):
    opened = open_dataset(dataset)
    chosen = [(split, sample.name) for split, sample in choose(opened, 4)]
    assert chosen == [("train", "train1"), ("train", "train3"), ("val", "val1"), ("test", "test1")]
    assert len(choose(opened, 20)) == 8, "no sample twice"


def test_overlay_leaves_ignored_pixels_as_they_are():
    classes = (ClassInfo(name="dark", colour=(0, 0, 0)), ClassInfo(name="light", colour=(200, 200, 200)))
    mixed = overlay(np.full((2, 2, 3), 100, np.uint8), np.array([[1, 255], [255, 0]], np.uint8), classes, opacity=0.5)
    assert mixed[..., 0].tolist() == [[150, 100], [100, 50]]
