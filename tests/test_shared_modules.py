"""What every room uses: atomic files, strict models' sentences, the YAML reader."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError

import hyperseg
from hyperseg.csv_text import inert, plain
from hyperseg.errors import UserError
from hyperseg.files import write_bytes_atomic, write_text_atomic
from hyperseg.strict import HandWritten, StrictModel, first_problem
from hyperseg.yaml_file import parse_yaml, read_yaml


def test_a_written_file_has_its_content_and_mode_and_leaves_no_scratch(tmp_path: Path) -> None:
    write_text_atomic(tmp_path / "a" / "b.txt", "größe")
    assert (tmp_path / "a" / "b.txt").read_bytes() == "größe".encode()
    assert (tmp_path / "a" / "b.txt").stat().st_mode & 0o777 == 0o644
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b.txt"]


def test_a_name_may_be_as_long_as_a_file_may_have(tmp_path: Path) -> None:
    write_bytes_atomic(tmp_path / ("x" * 255), b"")
    assert [len(p.name) for p in tmp_path.iterdir()] == [255]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_sentence_and_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").write_text("old")

    def full(handle: int, *args: object) -> object:
        os.close(handle)
        return Path("/dev/full").open("wb")

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(UserError, match=r"cannot write .*/x: no space left on device; free space"):
        write_bytes_atomic(tmp_path / "x", b"new")
    assert (tmp_path / "x").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


Forms = Annotated[list[int], Field(min_length=1)]


class Model(StrictModel):
    name: str
    count: int = Field(default=1, ge=1)
    share: float = 0.5
    forms: Forms | dict[str, Forms] | None = None


@pytest.mark.parametrize(
    ("values", "key", "message"),
    [
        ({}, "name", "it is missing; add it"),
        ({"name": False}, "name", "text is needed, not False; put it in quotes"),
        ({"name": "a", "nam": 1}, "nam", "there is no such key; remove it or correct its spelling"),
        ({"name": "a", "count": 0}, "count", "it must be at least 1, not 0"),
        ({"name": "a", "count": "many"}, "count", "a whole number is needed, not 'many'"),
        ({"name": "a", "share": float("nan")}, "share", "a finite number is needed, not nan"),
        ({"name": "a", "forms": []}, "forms", "at least 1 entry is needed, not 0"),
        ({"name": "a", "forms": {"b": [1, "c"]}}, "forms.b.1", "a whole number is needed, not 'c'"),
    ],
)
def test_what_does_not_fit_a_model_is_plain_english(values: dict[str, object], key: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Model.model_validate(values)
    assert first_problem(caught.value) == (key, message)


class Written(HandWritten):
    sizes: tuple[Annotated[int, Field(ge=1)], int] = (1, 1)
    per_name: tuple[int, int] | dict[str, int] | None = None
    rate: float | None = None
    flag: bool | int = False
    anything: Any = None
    choice: Literal["a", "b"] = "a"


@pytest.mark.parametrize(
    ("values", "key", "given"),
    [
        ({"rate": True}, "rate", "True"),
        ({"sizes": [1, False]}, "sizes", "[1, False]"),
        ({"per_name": {"a": True}}, "per_name", "{'a': True}"),
    ],
)
def test_truth_is_no_number_in_what_people_write(values: dict[str, object], key: str, given: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Written.model_validate(values)
    assert first_problem(caught.value) == (key, f"a number is needed, not {given}")


def test_truth_is_taken_where_it_may_stand() -> None:
    written = Written.model_validate({"flag": True, "anything": [True], "rate": 1, "sizes": [2, 3]})
    assert written.flag is True
    assert written.anything == [True]
    assert (written.rate, written.sizes) == (1.0, (2, 3))


def test_plain_yaml_is_read_and_a_date_stays_text(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("a: 2026-99-99\nb: [1, {c: x}]\nbase: &b {k: 1}\nmerged: {<<: *b, l: 2}\n")
    content = read_yaml(tmp_path / "x.yaml")
    assert content == {"a": "2026-99-99", "b": [1, {"c": "x"}], "base": {"k": 1}, "merged": {"k": 1, "l": 2}}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\na: 2\n", "f.yaml is not YAML at line 2 \\(key 'a' stands twice\\); correct it there"),
        ("a: " + "[" * 5000 + "]" * 5000, "nested deeper than 64"),
        ("a: !!int abc", "holds a value that YAML cannot read; put such values in quotes"),
        ("a: " + "9" * 5000, "holds a value that YAML cannot read"),
        ("a: !!python/object/apply:os.system [x]", "could not determine a constructor"),
        ("{a: 1}: 2", "a key is no plain value"),
        ("[1, 2]: 2", "a key is no plain value"),
        ("a: [", "f.yaml is not YAML at line 1"),
        ("a: &s [1, *s]", r"f.yaml is not YAML at line 1 \(alias '\*s' stands within what it names\)"),
        ("a: &s {b: [*s]}", r"alias '\*s' stands within what it names"),
    ],
)
def test_what_is_not_plain_yaml_is_one_sentence(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        parse_yaml(text, "f.yaml")


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"a: \xe9")
    with pytest.raises(UserError, match=r"the configuration .*latin is not UTF-8 text"):
        read_yaml(tmp_path / "latin", "the configuration")
    with pytest.raises(UserError, match=r"cannot read the configuration .*: no such file"):
        read_yaml(tmp_path / "missing", "the configuration")
    with pytest.raises(UserError, match="is a directory"):
        read_yaml(tmp_path)


def test_what_a_spreadsheet_would_run_is_text_in_a_csv_file() -> None:
    for text in ("=HYPERLINK(1)", "+1", "-1", "@A1", "\tx", "\rx"):
        assert inert(text) == f"'{text}"
    assert inert("road = 1") == "road = 1"
    texts = ["=1", "'=1", "''=1", "'", "road"]
    assert [plain(inert(text)) for text in texts] == texts


def test_a_notebook_completes_the_public_names() -> None:
    assert set(hyperseg.__all__) <= set(dir(hyperseg))
