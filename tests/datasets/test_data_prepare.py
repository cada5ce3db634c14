"""Published layouts, made small: archives and folders to prepared datasets, and what is told where they do not fit."""

import hashlib
from pathlib import PurePosixPath

import numpy as np
import pytest
from data_command import told
from small_layouts import FRAMES, cityscapes_files, colour_label, nothing_left, prepare, voc_files

from hyperseg.data.prepared import open_dataset, read_label
from hyperseg.datasets import cityscapes
from hyperseg.datasets.camvid_classes import COLOURS
from hyperseg.datasets.camvid_segnet import check_source, packaged_hashes
from hyperseg.datasets.published import get_published
from hyperseg.datasets.verify import verify
from hyperseg.errors import UserError


@pytest.mark.parametrize("dataset", ["camvid", "camvid_authors12"])
def test_cambridge_archives_in_both_readings(cambridge, brought, tmp_path, dataset):
    source = brought(cambridge)
    result = prepare(dataset, source, tmp_path, {"train": 1, "val": 1, "test": 1})
    assert result.exit_code == 0, result.exception
    root = tmp_path / "data" / dataset
    assert sorted(path.name for path in root.parent.iterdir()) == [dataset], "nothing else is left beside it"
    made = verify(root, tmp_path / "catalogue.yaml")
    for seed, (split, frame) in enumerate(FRAMES.items()):
        (sample,) = made.samples(split)
        assert sample.name == frame
        assert sample.image.read_bytes() == cambridge["701_StillsRaw_full.zip"][f"701_StillsRaw_full/{frame}.png"]
        names = np.array(list(COLOURS))[np.random.default_rng(seed).integers(0, 32, (24, 32))]
        classes = [entry.name for entry in made.classes]
        if dataset == "camvid":
            merged = {name: classes.index(to) if to else 255 for name, (_, to) in COLOURS.items()}
        else:
            own = {colour: place for place, colour in enumerate(entry.colour for entry in made.classes)}
            merged = {name: own.get(colour, 255) for name, (colour, _) in COLOURS.items()}
        assert (read_label(sample) == np.vectorize(merged.get)(names)).all()
        assert (read_label(sample, "class")[names == "Void"] == 11).all(), "the 12th class of the paper's reading"
    assert made.void == 11
    assert {path.name for path in source.iterdir()} == cambridge.keys(), "nothing is written into the source"
    noted = "20 named colours outside the 12 classes are ignored, not merged"
    assert (noted in result.output) == (dataset == "camvid_authors12")


def test_kaggle_repack_keeps_its_own_splits(make, tmp_path):
    files = {"class_dict.csv": b"name,r,g,b\n"}
    files["class_dict.csv"] += "".join(f"{n},{c[0]}, {c[1]},{c[2]}\n" for n, (c, _) in COLOURS.items()).encode()
    # 0001TP_006690 is a training frame of the tutorial; the re-pack's folder decides.
    for split, frame in {"train": "0016E5_07959", "val": "0001TP_008550", "test": "0001TP_006690"}.items():
        files[f"CamVid/{split}/{frame}.png"] = make.png(make.noise(len(files)))
        files[f"CamVid/{split}_labels/{frame}_L.png"] = make.png(colour_label(len(files), list(COLOURS)))
    archive = tmp_path / "any name.zip"
    archive.write_bytes(make.zip_of(files))
    splits = {"train": 1, "val": 1, "test": 1}
    done = prepare("camvid_kaggle", archive, tmp_path, splits)
    assert done.exit_code == 0, done.exception
    made = open_dataset(tmp_path / "data" / "camvid_kaggle")
    assert [sample.name for sample in made.samples("test")] == ["0001TP_006690"]
    assert (made.id, made.title) == ("camvid_kaggle", "CamVid (960x720, 11 merged classes), Kaggle re-pack")
    assert made.info.source == "Kaggle re-pack carlolepelaars/camvid, its own splits"
    assert "note: The Kaggle re-pack with its own splits, hence the id camvid_kaggle" in done.output
    files["class_dict.csv"] = files["class_dict.csv"].replace(b"Sky,128, 128,128", b"Sky,1,2,3")
    archive.write_bytes(make.zip_of(files))
    assert "has other colours than CamVid for Sky" in told(prepare("camvid", archive, tmp_path, splits))


def test_unknown_colours_are_counted_and_named(cambridge, brought, make, tmp_path):
    label = colour_label(0, ["Road"])
    label[:2, :3] = (1, 2, 3)
    label[5, 5] = (9, 9, 9)
    cambridge["LabeledApproved_full.zip"]["0001TP_006690_L.png"] = make.png(label)
    source, splits = brought(cambridge), {"train": 1, "val": 1, "test": 1}
    words = told(prepare("camvid", source, tmp_path, splits))
    assert "(1, 2, 3) (6 pixels in 1 files), (9, 9, 9) (1 pixels in 1 files), in 0001TP_006690_L.png" in words
    assert nothing_left(tmp_path)
    result = prepare("camvid", source, tmp_path, splits, "--unknown-colours", "ignore")
    assert "note: Colours that are none of the 32 named ones are ignored: (1, 2, 3) (6 pixels" in result.output
    made = open_dataset(tmp_path / "data" / "camvid")
    assert int((read_label(made.samples("train")[0]) == 255).sum()) == 7
    assert "(9, 9, 9) (1 pixels" in made.info.notes[0]


def test_camvid_that_does_not_fit_is_told(cambridge, brought, make, tmp_path):
    splits = {"train": 1, "val": 1, "test": 1}
    labels = cambridge["LabeledApproved_full.zip"]
    whole = dict(labels)
    del labels["0001TP_006690_L.png"]
    labels["stranger_L.png"] = labels["0016E5_07959_L.png"]
    words = told(prepare("camvid", brought(cambridge), tmp_path, splits))
    assert "do not pair up: 0001TP_006690.png (no label), stranger_L.png (no picture)" in words
    labels.clear()
    labels.update({**whole, "0001TP_006690_L.png": make.png(make.noise(0, 10, 10))})
    assert "0001TP_006690.png is 32x24 and its label 10x10" in told(
        prepare("camvid", brought(cambridge), tmp_path, splits)
    )
    labels.update(whole)
    words = told(prepare("camvid", brought(cambridge), tmp_path, {"train": 367, "val": 101, "test": 233}))
    assert "camvid has train 1, val 1, test 1, but the published dataset has train 367, val 101, test 233" in words
    assert nothing_left(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "holds no CamVid: NAME.png pictures and NAME_L.png labels" in told(
        prepare("camvid", empty, tmp_path, splits)
    )


def test_segnet_copy_is_held_against_its_manifest(tmp_path, make):
    files = {"train/a.png": b"one", "trainannot/a.png": b"two", "train.txt": b"list"}
    source = make.write_files(tmp_path / "source", files)
    hashes = {PurePosixPath(name): hashlib.sha256(data).hexdigest() for name, data in files.items()}
    check_source(source, hashes)
    (source / "train" / "a.png").write_bytes(b"One")
    (source / "train.txt").unlink()
    with pytest.raises(UserError, match=r"folder: train\.txt \(missing\), train/a\.png \(other bytes\); get folder"):
        check_source(source, hashes)
    words = told(prepare("camvid_segnet", source, tmp_path, {"train": 367, "val": 101, "test": 233}))
    assert words.count("(missing)") == 10
    assert "and 1395 more (1405 in all)" in words
    assert nothing_left(tmp_path)


def test_line_ends_of_the_lists_do_not_matter(tmp_path, make):
    files = {"train/a.png": b"one", "trainannot/a.png": b"two", "train.txt": b"a b\nc d\n"}
    hashes = {PurePosixPath(name): hashlib.sha256(data).hexdigest() for name, data in files.items()}
    source = make.write_files(tmp_path / "source", {**files, "train.txt": b"a b\r\nc d\r\n"})
    assert check_source(source, hashes) == set()
    (source / "train" / "a.png").write_bytes(b"one\r\n")
    with pytest.raises(UserError, match=r"train/a\.png \(other bytes\)"):
        check_source(source, hashes)


def test_packaged_segnet_manifest_lists_the_701_frames():
    folders = [path.parts[0] for path in packaged_hashes() if len(path.parts) == 2]
    counts = {name: folders.count(name) for name in sorted(set(folders))}
    assert counts == {"test": 233, "testannot": 233, "train": 367, "trainannot": 367, "val": 101, "valannot": 101}


def test_cityscapes_label_ids_become_train_ids(make, brought, tmp_path):
    result = prepare("cityscapes", brought(cityscapes_files(make)), tmp_path, {"train": 1, "val": 1, "test": 1})
    assert result.exit_code == 0, result.exception
    made = verify(tmp_path / "data" / "cityscapes", tmp_path / "catalogue.yaml")
    (sample,) = made.samples("val")
    assert sample.name == "lindau_000000_000019"
    label = read_label(sample)
    ids = np.arange(24 * 32).reshape(24, 32) % 34
    assert (label[ids == 7] == 0).all()
    assert (label[ids == 33] == 18).all()
    assert (label[ids == 29] == 255).all()
    assert set(np.unique(label)) == {*range(19), 255}
    with pytest.raises(UserError, match="the labels of its split are withheld"):
        read_label(made.samples("test")[0])


def test_cityscapes_table_is_the_official_one():
    labels = pytest.importorskip("cityscapesscripts.helpers.labels", reason="the extra `datasets`").labels
    table, classes = cityscapes.train_ids(), get_published("cityscapes").classes
    for label in labels:
        expected = label.trainId if 0 <= label.trainId < 19 else 255
        assert table[label.id % 256] == expected
        if expected < 19:
            assert (classes[expected].name, classes[expected].colour) == (label.name, label.color)


def test_cityscapes_that_does_not_fit_is_told(make, brought, tmp_path):
    splits = {"train": 1, "val": 1, "test": 1}
    archives = cityscapes_files(make)
    labels = archives["gtFine_trainvaltest.zip"]
    name = "gtFine/train/aachen/aachen_000000_000019_gtFine_labelIds.png"
    labels[name] = make.png(np.full((24, 32), 77, np.uint8))
    words = told(prepare("cityscapes", brought(archives), tmp_path, splits))
    assert "labels hold ids that Cityscapes does not define: 77 (768 pixels)" in words
    del labels[name]
    words = told(prepare("cityscapes", brought(archives), tmp_path, splits))
    assert "do not pair up: aachen_000000_000019 (no label)" in words
    (tmp_path / "source" / "gtFine_trainvaltest.zip").write_bytes(b"<html>your session has ended</html>")
    words = told(prepare("cityscapes", tmp_path / "source", tmp_path, splits))
    assert (
        "gtFine_trainvaltest.zip is a web page, perhaps an error or a login, not a zip or tar archive; delete the file"
        in words
    )
    assert nothing_left(tmp_path)
    (tmp_path / "source" / "gtFine_trainvaltest.zip").unlink()
    words = told(prepare("cityscapes", tmp_path / "source", tmp_path, splits))
    assert "holds no Cityscapes labels (gtFine_trainvaltest.zip); put both zips there" in words
    assert nothing_left(tmp_path)


def test_voc_train_aug_is_every_augmented_label_but_vals(make, tmp_path):
    official, augmented = voc_files(make)
    source = make.write_files(tmp_path / "source", official)
    make.write_files(source, {"SegmentationClassAug.zip": make.zip_of(augmented)})
    result = prepare("voc2012", source, tmp_path, {"train_aug": 2, "val": 1})
    assert result.exit_code == 0, result.exception
    made = verify(tmp_path / "data" / "voc2012", tmp_path / "catalogue.yaml")
    names = {split: {sample.name for sample in made.samples(split)} for split in made.splits}
    assert names == {"train_aug": {"2007_000032", "2008_000002"}, "val": {"2007_000033"}}
    (sample,) = made.samples("val")
    assert sample.label is not None
    assert sample.label.read_bytes() == official["VOCdevkit/VOC2012/SegmentationClass/2007_000033.png"]
    assert (source / "VOCdevkit/VOC2012/JPEGImages/2007_000033.jpg").exists(), "the user's own files are copied"
    assert len(made.classes) == 21
    assert made.classes[20].colour == (0, 64, 128)


def test_voc_that_does_not_fit_is_told(make, tmp_path):
    official, augmented = voc_files(make)
    del official["VOCdevkit/VOC2012/JPEGImages/2008_000002.jpg"]
    source = make.write_files(tmp_path / "source", official)
    splits = {"train_aug": 2, "val": 1}
    words = told(prepare("voc2012", source, tmp_path, splits))
    assert "holds no folder SegmentationClassAug; put SegmentationClassAug.zip there" in words
    make.write_files(source, augmented)
    assert "VOC 2012 lacks files: 2008_000002.jpg" in told(prepare("voc2012", source, tmp_path, splits))
    assert nothing_left(tmp_path)
