"""The `hyperseg` command itself."""

import sys

import pytest

from hyperseg.cli import main


def test_what_the_system_says_of_a_path_is_one_sentence_and_exit_code_2(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["hyperseg", "verify", str(tmp_path / ("x" * 300))])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path}/{'x' * 300}: file name too long; check the path, its permissions and the free space\n"
    )
