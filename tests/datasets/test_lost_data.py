"""Nothing of a user's is replaced or removed, whatever is asked for, fails or is killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import own_data
import pytest
from click.testing import Result
from data_command import cli, told
from folder_content import files_in

from hyperseg.data.prepared import open_dataset
from hyperseg.datasets.staging import files_below, staged
from hyperseg.datasets.verify import verify
from hyperseg.errors import UserError

add = partial(own_data.add, copy=False)  # in place, or with --out
STREETS = ("--train", "1", "--val", "0", "--test", "1", "--height", "32", "--width", "32")


def streets(out: Path) -> Result:
    return cli("streets", "--out", out, *STREETS)


def test_another_programs_dataset_yaml_makes_no_dataset(tmp_path, make):
    files = {"dataset.yaml": b"path: ../data\nnames: [car]\n", "images/a.png": b"x", "notes.md": b"mine"}
    folder = make.write_files(tmp_path / "yolo", files)
    assert "exists and is not a prepared dataset" in told(streets(folder))
    assert files_in(folder) == files


def test_a_dataset_made_in_place_is_never_replaced(lots, make):
    assert add(lots).exit_code == 0
    make.write_files(lots, {".git/HEAD": b"ref"})
    before = files_in(lots)
    assert "files that were not made there by `hyperseg data`" in told(streets(lots))
    assert files_in(lots) == before
    (lots / ".git" / "HEAD").unlink()
    assert "files that were not made there" in told(streets(lots)), "its pictures are the user's"
    (lots / "manifest.json").unlink()
    assert "files that were not made there" in told(streets(lots))


@pytest.mark.parametrize("name", ["notes.txt", ".git/HEAD", "train/images/extra.png", "train/images/.hidden"])
def test_a_file_that_the_manifest_does_not_name_is_kept(tmp_path, make, name):
    out = tmp_path / "streets"
    assert streets(out).exit_code == 0
    make.write_files(out, {name: b"mine"})
    before = files_in(out)
    words = told(streets(out))
    assert name in words
    assert words.endswith("give another --out or move it away")
    assert files_in(out) == before


def test_a_changed_file_is_kept(tmp_path):
    out = tmp_path / "streets"
    assert streets(out).exit_code == 0
    label = out / "train" / "labels" / "000000.png"
    label.write_bytes(label.read_bytes() + b"corrected by hand")
    assert "train/labels/000000.png" in told(streets(out))


def test_what_this_package_made_is_replaced(tmp_path, lots):
    out = tmp_path / "streets"
    assert streets(out).exit_code == 0
    (out / "Thumbs.db").write_bytes(b"x")
    assert streets(out).exit_code == 0
    for name in ("manifest.json", "card.json"):  # as a workflow engine does before it runs a rule again
        (out / name).unlink()
    assert streets(out).exit_code == 0
    copy = tmp_path / "copy"
    for _ in range(2):
        assert add(lots, "--out", copy).exit_code == 0
    assert cli("version", copy, "--record").exit_code == 0
    assert add(lots, "--out", copy).exit_code == 0, "a copy stays a copy when its version is recorded"
    shutil.rmtree(out)
    out.symlink_to(lots)
    assert "is not a folder of this package" in told(streets(out))


@pytest.mark.parametrize("damage", ["classes", "pictures", "disk"])
def test_a_failed_addition_in_place_leaves_the_dataset_as_it_was(lots, damage, monkeypatch):
    assert add(lots).exit_code == 0
    before = files_in(lots)
    if damage == "classes":
        (lots.parent / "classes.yaml").write_text("classes: [lot]\n")
    elif damage == "pictures":
        (lots / "train" / "images" / "0.png").write_bytes(b"no picture")
        before = files_in(lots)
    else:
        (lots.parent / "classes.yaml").write_text("classes: [lot, car, bus]\n")

        def full(*arguments: object) -> None:
            raise UserError("cannot write: no space left on device")

        monkeypatch.setattr("hyperseg.datasets.sealing.save_manifest", full)
    assert told(add(lots))
    assert files_in(lots) == before


@pytest.mark.parametrize("name", ["dataset.yaml", "manifest.json"])
def test_an_addition_in_place_overwrites_no_file_of_another_program(lots, name):
    (lots / name).write_text('{"somebody": "else"}')
    before = files_in(lots)
    assert "holds a file that would be replaced and is not of a dataset of this package" in told(add(lots))
    assert files_in(lots) == before


def kill_while_staged(out: Path, then: str = "") -> None:
    """Kill a process that holds a stage for `out`, after it has run `then`."""
    kill_within(
        f"with staging.staged(Path({str(out)!r})) as stage:\n"
        f"    (stage.folder / 'half').write_bytes(b'x' * 1000)\n"
        f"    stage.unpacked.mkdir()\n    {then or 'pass'}"
    )


def kill_within(block: str) -> None:
    """Kill a process at the end of an indented block of code."""
    code = (
        "import time; from pathlib import Path; from hyperseg.datasets import staging\n"
        f"{block}\n    print('ready', flush=True)\n    time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_the_work_of_a_killed_run_is_removed_by_the_next(tmp_path):
    kill_while_staged(tmp_path / "b")
    kill_within(f"with staging._new_lock(Path({str(tmp_path / 'd')!r})):\n    pass")  # before the folder is made
    left = {path.name for path in tmp_path.iterdir()}
    assert {name.split(".")[1] for name in left} == {"b", "d"}
    with staged(tmp_path / "a") as stage:
        work = stage.folder.parent
        assert {path.name for path in tmp_path.iterdir()} == {work.name, f"{work.name}.lock"}
        with staged(tmp_path / "c"):
            assert stage.folder.is_dir(), "the work of a living run is left alone"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c"]


def test_a_kill_in_mid_exchange_loses_nothing(tmp_path):
    out = tmp_path / "streets"
    assert streets(out).exit_code == 0
    before = files_in(out)
    kill_while_staged(out, f"Path({str(out)!r}).rename(stage.folder.parent / 'old')")
    assert not out.exists()
    with pytest.raises(KeyboardInterrupt), staged(out):
        raise KeyboardInterrupt
    assert files_in(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["streets"]


def test_a_kill_at_any_time_leaves_the_old_dataset_or_the_new(tmp_path):
    out = tmp_path / "streets"
    assert streets(out).exit_code == 0
    version = open_dataset(out).version
    line = [
        sys.executable,
        "-c",
        "from hyperseg.cli import main; main()",
        "data",
        "streets",
        "--out",
        str(out),
        *STREETS,
    ]
    for delay_s in (0.8, 1.1):
        process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay_s)
        process.kill()
        process.wait()
        if out.exists():
            assert verify(out).version == version
    assert streets(out).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["streets"]
    assert verify(out).version == version


def closed(folder: Path) -> bool:
    """Make a folder read-only; False where this user may write anyway."""
    folder.chmod(0o555)
    return not os.access(folder, os.W_OK)


def test_a_folder_that_cannot_be_written_is_one_sentence(lots, tmp_path):
    target = tmp_path / "closed"
    target.mkdir()
    out, before = target / "x", files_in(lots)
    if closed(target):
        lines = [add(lots, "--out", out), streets(out), cli("fetch", "camvid", "--downloads", out)]
    else:  # root: a file where a folder is needed
        target.chmod(0o755)
        (target / "x").write_text("")
        out = target / "x" / "y"
        lines = [add(lots, "--out", out), streets(out), cli("fetch", "camvid", "--downloads", out)]
    for line in lines:
        words = told(line)
        assert str(out) in words or str(target) in words
        assert "another" in words or "free some space" in words
    assert add(lots).exit_code == 0
    assert "give another --out" in told(cli("show", lots, "--out", out / "sheet.png"))
    assert set(files_in(lots)) == {*before, "dataset.yaml", "manifest.json", "card.json"}


@pytest.mark.parametrize("what", ["streets", "add", "in place", "prepare", "show"])
def test_a_disk_that_fills_up_is_one_sentence_and_leaves_nothing(lots, tmp_path, make, what):
    """No file may grow beyond 2 kB in the process: each write of a picture ends as on a full disk."""
    sound = tmp_path / "sound"
    assert streets(sound).exit_code == 0
    frame, label = make.png(make.noise(1)), make.png(np.zeros((24, 32, 3), np.uint8))
    source = make.write_files(tmp_path / "source", {"0001TP_006690.png": frame, "0001TP_006690_L.png": label})
    (lots.parent / "classes.yaml").write_text("classes: [lot, car]\ncitation: " + 1000 * "long " + "\n")
    out = tmp_path / "data" / "out"
    line = {
        "streets": ["streets", "--out", out, *STREETS],
        "add": ["add", lots, "--classes", tmp_path / "classes.yaml", "--out", out],
        "in place": ["add", lots, "--classes", tmp_path / "classes.yaml"],
        "prepare": ["prepare", "camvid", "--source", source, "--out", out, "--partial"],
        "show": ["show", sound, "--out", out / "sheet.png"],
    }[what]
    before = files_in(lots)
    code = (  # without bytecode: Python 3.11 would keep what the limit cut off, for the next process to fail on
        "import resource, sys; sys.dont_write_bytecode = True; from hyperseg.cli import main; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)); main()"
    )
    done = subprocess.run([sys.executable, "-c", code, "data", *map(str, line)], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith(("error: cannot ", "error: streets: cannot "))
    assert "file too large" in last
    assert "Traceback" not in done.stderr
    assert files_in(lots) == before
    assert not out.parent.exists() or not [path for path in out.parent.rglob("*") if path.is_file()]


def test_an_edited_manifest_is_not_believed(dataset):
    path = dataset / "manifest.json"
    edited = json.loads(path.read_text())
    edited["splits"]["test"] = 233
    path.write_text(json.dumps(edited))
    with pytest.raises(UserError, match="its split counts are not those of its lines"):
        open_dataset(dataset)


def test_a_folder_that_cannot_be_read_is_not_taken_for_empty(tmp_path):
    made, closed = tmp_path / "made", tmp_path / "made" / "train"
    streets(made)
    closed.chmod(0)
    try:
        if os.access(closed, os.R_OK):  # root reads everything; a folder that is gone fails in the same place
            with pytest.raises(OSError, match="No such file"):
                list(files_below(tmp_path / "gone"))
        else:
            assert "permission denied" in told(streets(made))
    finally:
        closed.chmod(0o755)
    assert open_dataset(made).splits == {"train": 1, "test": 1}
