"""``hyperseg report`` as a user calls it, in a process of its own."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from record_factory import evaluation, write

import hyperseg.report
from hyperseg.cli import main
from hyperseg.report import tables
from hyperseg.report.build import Sources, build_report
from hyperseg.report.part import parts_of
from hyperseg.report.tables import table_parts


def test_a_report_is_made_without_torch(tmp_path: Path, demo_records: Path) -> None:
    code = (
        "import sys; from hyperseg.cli import group; "
        f"group(['report', '--out', 'out', {str(demo_records)!r}], standalone_mode=False); "
        "heavy = [m for m in ('torch', 'torchvision', 'timm') if m in sys.modules]; "
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "HyperSeg-S (CamVid)" in done.stdout
    assert "out/index.html" in done.stdout
    out = tmp_path / "out"
    expected = {
        "index.html",
        "metrics.json",
        "report.json",
        "figures/tradeoff_smoke.svg",
        "figures/tradeoff_smoke.pdf",
    }
    expected |= {f"tables/accuracy.{kind}" for kind in ("csv", "md", "tex")} | {"tables/runtime_smoke_v1.csv"}
    assert expected <= {path.relative_to(out).as_posix() for path in out.rglob("*")}
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["miou_percent.streets.test.camvid_hyperseg_s.standard_v1"] == 23.0
    # without results/paper beside it, the paper's numbers are simply not there
    assert "Paper" not in (out / "tables/accuracy.md").read_text()


@pytest.mark.parametrize(
    ("prepare", "arguments", "said"),
    [
        ({}, ["--out", "out", "absent"], "no record or folder at absent"),
        ({}, ["--out", "out", "."], "no record (*.json) under ."),
        ({"r/a.json": "{}"}, ["--out", "out", "r"], "r/a.json does not fit the schema"),
        ({"r/a.json": "\x00"}, ["--out", "out", "r"], "r/a.json is not JSON"),
        ({}, ["--out", "out"], "give --out FOLDER and at least one record"),
        ({}, ["records"], "give --out FOLDER and at least one record"),
        ({}, ["--out", "file/out", "good"], "cannot write the report"),
        ({}, ["--out", "file", "good"], "is a file"),
        ({}, ["--out", "good", "good"], "which no report made"),
        ({}, ["--out", "out", "--paper", "absent.csv", "good"], "cannot read absent.csv"),
        ({"p.csv": "a,b\n1,2\n"}, ["--out", "out", "--paper", "p.csv", "good"], "lacks the column variant"),
        ({}, ["--out", "out", "--card", "file", "good"], "card file is not JSON"),
        ({"card.json": "[1]"}, ["--out", "out", "--card", "card.json", "good"], "not a JSON object"),
        ({}, ["--out", "out", "--picture", "file", "good"], "picture file is neither PNG, JPEG nor GIF"),
        ({}, ["--out", "out", "--picture", "absent.png", "good"], "cannot read picture"),
        ({}, ["--out", "out", "good", "twin"], "fill the same cell"),
        ({}, ["--fill", "absent.md"], "cannot read absent.md"),
        ({}, ["--out", "out", "--table", "absent.py", "good"], "absent.py is not a Python file"),
        ({"t.py": "x = 1"}, ["--out", "out", "--table", "t.py", "good"], "t.py defines no PART"),
        ({"t.py": "1 / 0"}, ["--out", "out", "--table", "t.py", "good"], "t.py cannot be loaded: ZeroDivisionError"),
        ({}, ["--check", "good"], "--reference and --check read results/reference alone"),
        ({}, ["--check"], "run this command in the repository's root folder"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence_and_nothing_is_written(
    tmp_path: Path,
    prepare: dict[str, str],
    arguments: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, text in prepare.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    if set(arguments) & {"good", "twin", "file/out"}:
        write(tmp_path / "good", {"e.json": evaluation()})
        write(tmp_path / "twin", {"e.json": evaluation(miou=51.0)})
    if {"file", "file/out"} & set(arguments):
        (tmp_path / "file").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["hyperseg", "report", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    error = capsys.readouterr().err
    assert stopped.value.code == 2, error
    assert error.startswith("error: ")
    assert error.count("\n") == 1, error
    assert said in error
    assert sorted(tmp_path.rglob("*")) == before


def test_the_report_knows_records_alone() -> None:
    """No import of another part of the package but the datasets' titles, none of torch."""
    folder = Path(hyperseg.report.__file__).parent
    shared = "csv_text", "errors", "files", "processors", "python_file", "strict", "yaml_file"
    foundations = tuple(f"hyperseg.{name}" for name in shared)
    allowed = ("hyperseg.report", "hyperseg.records", "hyperseg.datasets.published", *foundations)
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                assert not name.startswith(("torch", "timm")), (path.name, name)
                if name.startswith("hyperseg") and name != "hyperseg":
                    assert name.startswith(allowed), (path.name, name)


def test_a_table_of_ones_own_is_one_file(tmp_path: Path, demo_records: Path, root: Path) -> None:
    """The example of docs/report.md, as it stands there."""
    example = (root / "docs/report.md").read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    (tmp_path / "seeds.py").write_text(example, encoding="utf-8")
    build_report(tmp_path / "out", [demo_records], Sources(tables=[tmp_path / "seeds.py"]))
    lines = (tmp_path / "out/tables/seeds.csv").read_text().splitlines()
    assert lines[0] == "network,seed,loss,records_sha256"
    assert len(lines) == 1 + 5
    assert 'id="table-seeds"' in (tmp_path / "out/index.html").read_text(encoding="utf-8")


def test_a_table_is_found_by_being_there(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = (root / "docs/report.md").read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    (tmp_path / "found_by_being_there.py").write_text(example, encoding="utf-8")
    monkeypatch.setattr(tables, "__path__", [*tables.__path__, str(tmp_path)])
    assert "seeds" not in {part.name for part in table_parts()}
    parts_of.cache_clear()
    try:
        assert "seeds" in {part.name for part in table_parts()}
    finally:
        parts_of.cache_clear()
