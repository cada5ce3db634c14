"""Records on disk: atomic, readable by the group, refused in one sentence where they do not fit."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from record_content import content

from hyperseg.errors import UserError
from hyperseg.files import write_text_atomic
from hyperseg.records import Record, read_record, read_record_files, write_record


def test_a_record_is_written_and_read_back_the_same(tmp_path: Path) -> None:
    record = Record.model_validate(content("evaluation"))
    path = tmp_path / "new/folder/record.json"
    write_record(path, record)
    assert read_record(path) == record
    assert [p.name for p in path.parent.iterdir()] == ["record.json"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    first = path.read_bytes()
    write_record(path, record)
    assert path.read_bytes() == first


def test_a_kill_at_any_time_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    code = (
        "import sys; from pathlib import Path; from hyperseg.files import write_text_atomic\n"
        "n = 0\n"
        "while True:\n"
        "    write_text_atomic(Path(sys.argv[1]), chr(97 + n % 26) * 200_000); n += 1\n"
        "    print(n, flush=True)\n"
    )
    for rounds in (1, 3, 7):
        process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(rounds):
            assert process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        text = path.read_text()
        assert len(text) == 200_000
        assert len(set(text)) == 1


def test_folders_are_searched_in_sorted_order_and_leftovers_passed_over(tmp_path: Path) -> None:
    for name in ("b/two.json", "a/one.json"):
        write_record(tmp_path / name, Record.model_validate(content("latency")))
    (tmp_path / "a/.one.json.x1y2").write_text("half")  # what a kill leaves
    (tmp_path / "a/samples.parquet").write_text("no record")
    assert [path.name for path in read_record_files([tmp_path])] == ["one.json", "two.json"]
    assert list(read_record_files([])) == []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "a mapping"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"config": ' + b"[" * 64 + b"]" * 64 + b"}", "nested deeper than 64"),
        (b'{"campaign": "\\ud800"}', "'\\ud800' holds half of a surrogate pair"),
        (b'{"numbers": ' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"numbers": 1, "numbers": 2}', "stands twice"),
        (b"\xff\xfe", "not UTF-8"),
        (json.dumps(content("latency") | {"schema_version": 3}).encode(), "; install a newer"),
        (json.dumps(content("latency") | {"numbers": {"kind": "other"}}).encode(), "numbers"),
        (json.dumps({"files": []}).encode(), "campaign"),
        (json.dumps({k: v for k, v in content("latency").items() if k != "schema_version"}).encode(), "schema_version"),
    ],
)
def test_an_unfit_file_is_told_in_one_sentence(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(data)
    with pytest.raises(UserError) as told:
        read_record(path)
    message = str(told.value)
    assert str(path) in message
    assert said in message
    assert "\n" not in message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read record .*absent\.json: no such file"):
        read_record(tmp_path / "absent.json")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match=r"cannot write .*file/record\.json"):
        write_text_atomic(tmp_path / "file/record.json", "x")
    assert (tmp_path / "file").read_text() == "mine"


def test_what_a_terminal_or_an_array_cannot_take_is_refused_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    whole = json.dumps(content("evaluation"))
    for old, new, told in (
        ('"campaign"', '"\\u001b[2J\\n": 1, "campaign"', r"at '\x1b[2J\n': there is no such key"),
        ('"images": ', f'"images": {10**30}', "is too large for a whole number"),
    ):
        assert old in whole
        path.write_text(whole.replace(old, new, 1))
        with pytest.raises(UserError) as error:
            read_record(path)
        assert told in str(error.value)
