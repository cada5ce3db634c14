"""What `hyperseg data prepare` refuses, replaces and names, whatever the dataset."""

import shutil

import numpy as np
import pytest
from data_command import cli, told
from PIL import Image
from small_layouts import CAMVID, FRAMES, cityscapes_files, colour_label, nothing_left, prepare, voc_files

from hyperseg.data.prepared import open_dataset
from hyperseg.data.reference import dataset_ref
from hyperseg.datasets.camvid_classes import COLOURS
from hyperseg.datasets.verify import verify


def test_what_is_not_there_is_named_with_its_sizes(tmp_path):
    words = told(cli("prepare", "camvid", "--downloads", tmp_path / "none", "--out", tmp_path / "out"))
    assert "run `hyperseg data fetch camvid`" in words
    assert "701_StillsRaw_full.zip (557 MB) and LabeledApproved_full.zip (16 MB)" in words
    assert "Kaggle re-pack" in words


def test_a_folder_that_is_no_dataset_is_never_replaced(cambridge, brought, make, tmp_path):
    mine = make.write_files(tmp_path / "data" / "camvid", {"thesis.tex": b"years of work"})
    words = told(prepare("camvid", brought(cambridge), tmp_path, {"train": 1, "val": 1, "test": 1}))
    assert "exists and is not a prepared dataset" in words
    assert (mine / "thesis.tex").read_bytes() == b"years of work"
    assert [path.name for path in mine.parent.iterdir()] == ["camvid"]


def test_preparing_again_gives_the_same_version(cambridge, brought, tmp_path):
    splits = {"train": 1, "val": 1, "test": 1}
    source = brought(cambridge)
    versions = set()
    for _ in range(2):
        assert prepare("camvid", source, tmp_path, splits).exit_code == 0
        versions.add(open_dataset(tmp_path / "data" / "camvid").version)
    assert len(versions) == 1
    with Image.open(tmp_path / "data/camvid/train/labels/0001TP_006690.png") as label:
        assert label.mode == "P", "labels open in the colours of their classes"


def test_a_part_of_a_dataset_is_named_so(make, brought, tmp_path):
    archives = cityscapes_files(make)
    whole = {"train": 2975, "val": 500, "test": 1525}
    words = told(prepare("cityscapes", brought(archives), tmp_path, whole))
    assert words.endswith("complete the source, or add --partial for a dataset that says that it is a part")
    del archives["leftImg8bit_trainvaltest.zip"]["leftImg8bit/val/lindau/lindau_000000_000019_leftImg8bit.png"]
    result = prepare("cityscapes", brought(archives), tmp_path, whole, "--partial")
    assert result.exit_code == 0, result.exception
    assert "note: A partial copy, test 1, train 1 of train 2975, val 500, test 1525: " in result.output
    made = verify(tmp_path / "data" / "cityscapes", tmp_path / "catalogue.yaml")
    assert made.title == "Cityscapes, fine annotations (2048x1024, 19 classes), partial copy"
    assert dataset_ref(made, "train").partial
    assert made.splits == {"train": 1, "test": 1}
    again = prepare("cityscapes", brought(archives), tmp_path, whole, "--partial")
    assert again.exit_code == 0, "a partial copy is replaced like a whole one"


def test_parts_of_the_other_datasets(cambridge, brought, make, tmp_path):
    del cambridge["LabeledApproved_full.zip"]["0001TP_006690_L.png"]
    assert prepare("camvid", brought(cambridge), tmp_path, {"train": 367}, "--partial").exit_code == 0
    assert open_dataset(tmp_path / "data" / "camvid").splits == {"val": 1, "test": 1}
    official, augmented = voc_files(make)
    del official["VOCdevkit/VOC2012/JPEGImages/2008_000002.jpg"]
    source = make.write_files(tmp_path / "voc", {**official, **augmented})
    assert prepare("voc2012", source, tmp_path, {"val": 1449}, "--partial").exit_code == 0
    assert open_dataset(tmp_path / "data" / "voc2012").splits == {"train_aug": 1, "val": 1}


@pytest.mark.skipif(not CAMVID.is_dir(), reason="no CamVid (SegNet copy): set HYPERSEG_CAMVID to its folder")
def test_a_part_of_the_real_segnet_copy(tmp_path):
    source = tmp_path / "few"
    for name in ("0016E5_07959", "0016E5_07961"):
        for folder in ("val", "valannot"):
            (source / folder).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(CAMVID / folder / f"{name}.png", source / folder / f"{name}.png")
    out = tmp_path / "data"
    line = ["prepare", "camvid_segnet", "--source", source, "--out", out, "--partial"]
    done = cli(*line)
    assert done.exit_code == 0, done.exception
    assert verify(out).splits == {"val": 2}
    (source / "val" / "0016E5_07959.png").write_bytes(b"other")
    assert "val/0016E5_07959.png (other bytes)" in told(cli(*line))


def test_pictures_of_another_size_than_published_are_refused(cambridge, brought, make, tmp_path):
    frame = "701_StillsRaw_full/0001TP_006690.png"
    cambridge["701_StillsRaw_full.zip"][frame] = make.png(make.noise(0, 12, 16))
    cambridge["LabeledApproved_full.zip"]["0001TP_006690_L.png"] = make.png(colour_label(0, list(COLOURS))[:12, :16])
    splits = {"train": 1, "val": 1, "test": 1}
    for more in ((), ("--partial",)):
        words = told(prepare("camvid", brought(cambridge), tmp_path, splits, *more))
        assert "was published with pictures of 32x24, but there are others: train/images/0001TP_006690.png (16" in words
    assert nothing_left(tmp_path)


def test_a_published_dataset_has_a_pixel_of_every_class(cambridge, brought, make, tmp_path):
    for seed, frame in enumerate(FRAMES.values()):
        names = [name for name, (_, merged) in COLOURS.items() if merged != "Fence"]
        cambridge["LabeledApproved_full.zip"][f"{frame}_L.png"] = make.png(colour_label(seed, names))
    splits = {"train": 1, "val": 1, "test": 1}
    words = told(prepare("camvid", brought(cambridge), tmp_path, splits))
    assert "camvid has no pixel of Fence, but the published labels have pixels of every class" in words
    result = prepare("camvid", brought(cambridge), tmp_path, splits, "--partial")
    assert result.exit_code == 0
    assert "class Fence has no pixel in any label" in result.stderr


def test_label_ids_that_hold_train_ids_are_refused(make, brought, tmp_path):
    archives = cityscapes_files(make)
    labels = archives["gtFine_trainvaltest.zip"]
    for name in [name for name in labels if name.endswith("labelIds.png")]:
        labels[name] = make.png((np.arange(24 * 32).reshape(24, 32) % 19).astype(np.uint8))
    for more in ((), ("--partial",)):
        words = told(prepare("cityscapes", brought(archives), tmp_path, {"train": 1, "val": 1, "test": 1}, *more))
        assert "the labelIds files hold no id above 18, so they seem to hold train ids" in words


def test_the_repack_is_told_from_the_cambridge_archives(cambridge, make, tmp_path):
    files = {name: data for archive in cambridge.values() for name, data in archive.items()}
    unpacked = make.write_files(tmp_path / "unpacked", files)
    words = told(prepare("camvid_kaggle", unpacked, tmp_path, {"train": 1, "val": 1, "test": 1}))
    assert "it is not the Kaggle re-pack; for the Cambridge archives use `hyperseg data prepare camvid`" in words
    files = {}
    for seed, (split, frame) in enumerate({"Train": "0016E5_07959", "Val": "0001TP_008550"}.items()):
        files[f"{split}/{frame}.png"] = make.png(make.noise(seed, 720, 960))
        files[f"{split}_labels/{frame}_L.png"] = make.png(np.zeros((720, 960, 3), np.uint8))
    source = make.write_files(tmp_path / "kaggle", files)
    result = prepare("camvid", source, tmp_path, {}, "--partial")
    assert result.exit_code == 0, result.exception
    made = open_dataset(tmp_path / "data" / "camvid")
    assert (made.id, made.splits) == ("camvid_kaggle", {"train": 1, "val": 1}), "folders may begin with a capital"
    assert made.title.endswith("Kaggle re-pack, partial copy")
    for path in source.rglob("*_L.png"):
        path.rename(path.with_name(path.name.replace("_L", "")))
    words = told(prepare("camvid", source, tmp_path, {}, "--partial"))
    assert "a label is called 0016E5_07959_L.png, and each picture may be there once; rename the labels" in words
    for folder in list(source.glob("*_labels")):
        folder.rename(folder.with_name(folder.name.replace("_labels", "annot")))
    words = told(prepare("camvid", source, tmp_path, {}, "--partial"))
    assert "so it is the SegNet tutorial's copy of CamVid; use `hyperseg data prepare camvid_segnet`" in words


def test_sentences_name_what_the_user_gave_not_the_folder_of_the_work(cambridge, brought, tmp_path):
    cambridge["LabeledApproved_full.zip"]["0001TP_006690_L.png"] = b"no picture"
    source = brought(cambridge)
    words = told(prepare("camvid", source, tmp_path, {"train": 1, "val": 1, "test": 1}))
    assert f"{source / 'LabeledApproved_full.zip' / '0001TP_006690_L.png'} or its picture cannot be used" in words
    assert ".hyperseg-" not in words


def test_a_source_that_may_not_be_written_is_prepared(cambridge, brought, tmp_path):
    source = brought(cambridge)
    before = {path.name: path.read_bytes() for path in source.iterdir()}
    source.chmod(0o555)
    assert prepare("camvid", source, tmp_path, {"train": 1, "val": 1, "test": 1}).exit_code == 0
    source.chmod(0o755)
    assert {path.name: path.read_bytes() for path in source.iterdir()} == before
