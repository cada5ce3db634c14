"""The `hyperseg` command itself."""

import io
import sys

import pytest

from hyperseg.cli import main
from hyperseg.cli.paths import OutPath
from hyperseg.cli.steps import key_values
from hyperseg.errors import UserError


def test_what_the_system_says_of_a_path_is_one_sentence_and_exit_code_2(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["hyperseg", "verify", str(tmp_path / ("x" * 300))])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path}/{'x' * 300}: file name too long; check the path, its permissions and the free space\n"
    )


def test_what_the_terminal_cannot_show_is_replaced(monkeypatch):
    shown = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.setattr(sys, "argv", ["hyperseg", "--version"])
    with pytest.raises(SystemExit):
        main()
    print("384 \N{MULTIPLICATION SIGN} 512", file=shown, flush=True)
    assert shown.buffer.getvalue().endswith(b"384 ? 512\n")


def test_one_key_is_set_once():
    assert key_values(("a=1", "b=[2, 3]")) == {"a": 1, "b": [2, 3]}
    with pytest.raises(UserError, match=r"^--set a=1 and --set  a =2 contradict each other; leave one of them out$"):
        key_values(("a=1", "b=1", " a =2"))
    with pytest.raises(UserError, match=r"^--set =1 has an empty key; name it, for example --set epochs=3$"):
        key_values(("=1",))


def test_nothing_is_written_into_a_dataset_nor_under_an_empty_name(tmp_path):
    for name in ("dataset.yaml", "manifest.json"):
        (tmp_path / name).touch()
    for place in (tmp_path, tmp_path / "test" / "new"):
        with pytest.raises(UserError, match=r"lies in the dataset .*, whose version counts every file"):
            OutPath().convert(str(place), None, None)
    with pytest.raises(UserError, match="is empty; name a file or a folder"):
        OutPath().convert("", None, None)
