"""Prepared folders: what the version is, what opening and verifying find, and what a user is told."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from data_command import cli
from PIL import Image

from hyperseg.data.description import read_info
from hyperseg.data.manifest import write_manifest
from hyperseg.data.prepared import Sample, open_dataset, read_image, read_label
from hyperseg.datasets.inspection import inspect, offenders_of
from hyperseg.datasets.sealing import seal
from hyperseg.datasets.staging import staged_folder
from hyperseg.datasets.verify import verify
from hyperseg.errors import UserError, first_ten

CAMVID = Path(os.environ.get("HYPERSEG_CAMVID", Path(__file__).parents[2].parent / "shared" / "camvid"))


def told(call: Callable[[], object]) -> str:
    with pytest.raises(UserError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_version_is_what_the_documented_shell_line_computes(dataset):
    text = (Path(__file__).parents[2] / "docs/data.md").read_text()
    found = re.search(r"^    find .*\n.*", text, re.MULTILINE)
    assert found
    for kind in ("images", "labels"):
        shutil.copy(dataset / f"train/{kind}/train0.png", dataset / f"train/{kind}/a\\b é.png")
    write_manifest(dataset)
    done = subprocess.run(found[0], shell=True, cwd=dataset, capture_output=True, text=True, check=True)
    assert open_dataset(dataset).version == done.stdout.split()[0]


def test_samples_follow_the_manifest(dataset):
    opened = open_dataset(dataset)
    assert opened.splits == {"train": 4, "val": 2, "test": 2}
    assert [sample.name for sample in opened.samples("val+test")] == ["val0", "val1", "test0", "test1"]
    assert told(lambda: opened.samples("train+dev")).endswith("has no split 'dev'; its splits are train, val, test")


def test_void_is_ignored_or_the_class_after_the_last(dataset):
    for sample in open_dataset(dataset).samples("train"):
        stored = np.asarray(Image.open(sample.label))
        ignored, scored = read_label(sample), read_label(sample, "class")
        assert (ignored[stored == 3] == 255).all()
        assert (scored[stored == 3] == 3).all()
        for label in (ignored, scored):
            assert (label[stored < 3] == stored[stored < 3]).all()
            assert (label[stored == 255] == 255).all()
        assert read_image(sample).shape == (*stored.shape, 3)


def test_void_is_a_class_after_as_many_as_there_may_be(tmp_path):
    label = tmp_path / "a.png"
    Image.fromarray(np.array([[0, 253, 254, 255]], np.uint8)).save(label)
    sample = Sample("a", tmp_path / "no.png", label, num_classes=254, void=254)
    assert read_label(sample, "class").tolist() == [[0, 253, 254, 255]]
    assert read_label(sample).tolist() == [[0, 253, 255, 255]]
    with pytest.raises(UserError, match="holds the value 254, which is no class"):
        read_label(replace(sample, void=None))


@pytest.mark.parametrize("name", ["dataset.yaml", "train/images/train0.png", "test/labels/test1.png"])
@pytest.mark.parametrize("place", [0, 40, -1])
def test_any_changed_byte_changes_the_version(dataset, name, place):
    before = open_dataset(dataset).version
    data = bytearray((dataset / name).read_bytes())
    data[place] ^= 1
    (dataset / name).write_bytes(data)
    result = cli("version", dataset)
    if name != "dataset.yaml":  # a changed description may be no YAML any more, which is told instead
        assert result.stdout.strip() != before
        assert f"{name} (other bytes)" in told(lambda: verify(dataset))
    else:
        assert isinstance(result.exception, UserError) or result.stdout.strip() != before


def test_a_renamed_a_new_and_a_lost_file_change_the_version(dataset, make):
    versions = {write_manifest(dataset).version}
    for kind in ("images", "labels"):
        (dataset / "val" / kind / "val0.png").rename(dataset / "val" / kind / "renamed.png")
    versions.add(write_manifest(dataset).version)
    make.write_files(dataset, {"val/images/new.png": make.png(make.noise(99))})
    versions.add(write_manifest(dataset).version)
    (dataset / "val" / "images" / "new.png").unlink()
    (dataset / "val" / "labels" / "val1.png").unlink()
    versions.add(write_manifest(dataset).version)
    assert len(versions) == 4


def test_version_can_be_recorded_after_a_change_that_was_meant(dataset, make):
    before = open_dataset(dataset).version
    (dataset / "train" / "images" / "train0.png").write_bytes(make.png(make.noise(77)))
    done = cli("version", dataset, "--record")
    assert done.stdout.strip() == open_dataset(dataset).version != before
    verify(dataset)
    (dataset / "train" / "images" / "train0.png").write_bytes(b"no picture")
    done = cli("version", dataset, "--record")
    assert "train/images/train0.png (no picture)" in str(done.exception)


def test_opening_notices_lost_and_cut_files_without_reading_them(dataset):
    (dataset / "train" / "images" / "train0.png").unlink()
    (dataset / "val" / "labels" / "val0.png").write_bytes(b"")
    words = told(lambda: open_dataset(dataset))
    assert "train/images/train0.png (missing), val/labels/val0.png (another size)" in words


def test_verify_names_every_kind_of_offender(dataset, make):
    files = {
        "train/labels/train0.png": make.png(np.full((24, 32), 9, np.uint8)),
        "train/labels/train1.png": make.png(np.zeros((5, 6), np.uint8)),
        "train/labels/train2.png": make.png(make.noise(5)),
        "train/images/train3.png": b"text",
        "train/images/lonely.png": make.png(make.noise(6)),
        "val/labels/lonely.png": make.png(np.zeros((24, 32), np.uint8)),
        "val/images/val0.png": (dataset / "test/images/test0.png").read_bytes(),
        "val/images/val1.jpg": make.png(make.noise(7)),
        "notes.txt": b"hello",
    }
    make.write_files(dataset, files)
    write_manifest(dataset)
    found = [f"{name} ({what})" for name, what in offenders_of(read_info(dataset), inspect(dataset))]
    for offender in (
        "train/labels/train0.png (value 9 is no class)",
        "train/labels/train1.png (6x5, its image 32x24)",
        "train/labels/train2.png (its pixels are of mode RGB",
        "train/images/train3.png (no picture)",
        "train/images/lonely.png (no label beside it)",
        "val/labels/lonely.png (no image beside it)",
        "test/images/test0.png (the same picture as val/images/val0.png)",
        "val/images/val1.jpg (two files of one name)",
        "notes.txt (no part of a dataset)",
    ):
        assert any(line.startswith(offender) for line in found), offender
    words = told(lambda: verify(dataset))
    assert all(line in words for line in found[:10])
    assert f"and {len(found) - 10} more ({len(found)} in all); restore these files" in words


def test_the_first_ten_and_the_total():
    assert first_ten("ab") == "a, b"
    assert first_ten(range(10)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert first_ten(range(22)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 12 more (22 in all)"


def edit(path: Path, change: Callable[[dict], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_folders_that_are_no_dataset_are_told(dataset, tmp_path):
    assert "there is no dataset folder" in told(lambda: open_dataset(tmp_path / "none"))
    assert "is not a prepared dataset: it has no dataset.yaml" in told(lambda: open_dataset(tmp_path))
    manifest = dataset / "manifest.json"
    whole = manifest.read_text()
    edit(manifest, lambda content: content["files"].pop("val/images/val0.png"))
    assert "was edited: its version does not follow from its lines" in told(lambda: open_dataset(dataset))
    manifest.write_text(whole.replace('"dataset": "mini"', '"dataset": "other"'))
    assert "is of dataset other, but dataset.yaml says mini" in told(lambda: open_dataset(dataset))
    manifest.write_text("{")
    assert "manifest.json is damaged" in told(lambda: open_dataset(dataset))
    manifest.unlink()
    assert "cannot read manifest.json" in told(lambda: open_dataset(dataset))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("void: 3", "void: 2", "void is 2, which is the index of class 'car'"),
        ("name: sky", "name: road", "class 'road' is listed twice"),
        ("[128, 64, 128]", "[128, 64, 256]", "at classes.0.colour.2"),
        ("void: 3", "voids: 3", "at voids: there is no such key"),
        ("id: mini", "id: ../mini", "at id"),
        ("id: mini", "id: [", "is not YAML"),
    ],
)
def test_descriptions_that_do_not_fit_are_told(dataset, old, new, words):
    path = dataset / "dataset.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert words in told(lambda: open_dataset(dataset))


def test_a_staged_folder_appears_whole_or_not_at_all(dataset, tmp_path):
    before = seal(dataset, copied=True).version
    with pytest.raises(UserError, match=r"has no dataset\.yaml"), staged_folder(dataset) as stage:
        write_manifest(stage)
    assert open_dataset(dataset).version == before
    with staged_folder(tmp_path / "new") as stage:
        (stage / "x").write_text("whole")
        assert not (tmp_path / "new").exists()
    assert (tmp_path / "new" / "x").read_text() == "whole"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mini", "new"]


def test_streets_command_makes_a_sound_dataset(tmp_path):
    out = tmp_path / "streets"
    sizes = ["--train", "2", "--val", "1", "--test", "1", "--height", "64", "--width", "96", "--seed", "3"]
    done = cli("streets", "--out", out, *sizes)
    assert done.exit_code == 0, done.exception
    made = verify(out)
    assert made.splits == {"train": 2, "val": 1, "test": 1}
    assert f"streets, train 2, val 1, test 1, version {made.version[:12]}" in done.output


@pytest.mark.slow
@pytest.mark.skipif(not CAMVID.is_dir(), reason="no CamVid (SegNet copy): set HYPERSEG_CAMVID to its folder")
def test_real_camvid_is_prepared_byte_for_byte(tmp_path):
    out = tmp_path / "camvid_segnet"
    done = cli("prepare", "camvid_segnet", "--source", CAMVID, "--out", out)
    assert done.exit_code == 0, done.exception
    made = open_dataset(out)
    assert made.splits == {"train": 367, "val": 101, "test": 233}
    sample = made.samples("test")[100]
    assert sample.label is not None
    for ours, theirs in ((sample.image, CAMVID / "test"), (sample.label, CAMVID / "testannot")):
        assert ours.read_bytes() == (theirs / ours.name).read_bytes()
    assert set(np.unique(read_label(sample))) <= {*range(11), 255}


def test_a_segnet_copy_with_other_bytes_is_found_whatever_its_manifest_says(dataset):
    for kind in ("images", "labels"):
        (dataset / "test" / kind / "test0.png").rename(dataset / "test" / kind / "0001TP_008550.png")
    description = dataset / "dataset.yaml"
    description.write_text(description.read_text().replace("id: mini", "id: camvid_segnet"))
    write_manifest(dataset)
    words = told(lambda: verify(dataset))
    assert "test/images/0001TP_008550.png (not the published bytes)" in words
    assert "test/labels/0001TP_008550.png (not the published bytes)" in words
