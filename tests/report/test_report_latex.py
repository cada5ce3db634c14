"""LaTeX tables: never scaled below 8 pt, as wide as a column or a page, and compiled where LaTeX is installed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from claims_frame import claims_frame
from record_factory import demo, latency, machine, write

from hyperseg.report.collection import load
from hyperseg.report.facts import PaperRow, PeerRow
from hyperseg.report.inputs import Inputs
from hyperseg.report.tables import table_parts
from hyperseg.report.tables.latex import to_latex
from hyperseg.report.tables.model import Cell, Column, Table


@pytest.fixture(scope="module")
def tables(
    tmp_path_factory: pytest.TempPathFactory, paper: tuple[PaperRow, ...], rivals: tuple[PeerRow, ...]
) -> list[Table]:
    """Every kind of table that a report of these records has."""
    records = demo() | {"x.json": latency(verdict="DEGRADED", at=machine(cpu="Odd_name #1 & 50% ~ {Ω}"), sweep=True)}
    found = load([write(tmp_path_factory.mktemp("latex") / "records", records)])
    inputs = Inputs(found, paper, rivals, claims_frame())
    return [table for part in table_parts() for table in part.build(inputs) if table.rows]


def test_nothing_is_scaled_and_type_is_footnotesize(tables: list[Table]) -> None:
    assert len(tables) > 10
    for table in tables:
        text = to_latex(table)
        assert r"\resizebox" not in text
        assert r"\scalebox" not in text
        assert not re.search(r"\\(tiny|scriptsize)", text)
        assert r"\footnotesize" in text
        assert r"\toprule" in text
        heads = text.split(r"\toprule")[1].split(r"\midrule")[0]
        rows = text.split(r"\midrule", 1)[1].split(r"\bottomrule")[0]
        spec = re.search(r"\\begin\{tabular\}\{@\{\}(.*)@\{\}\}", text)
        assert spec is not None
        columns = len(re.sub(r"\[[^]]*\]", "", spec[1]))
        assert heads.count(" & ") == columns - 1
        assert all(line.count(" & ") == columns - 1 for line in rows.splitlines() if line.endswith(r"\\"))


def test_a_wide_table_takes_the_page_and_a_wider_one_loses_columns_by_name() -> None:
    def table(columns: int) -> Table:
        heads = tuple(Column(f"c{n}", f"Column {n}") for n in range(columns))
        return Table("wide", "Wide", "C.", heads, ({f"c{n}": Cell("0123456789") for n in range(columns)},))

    assert r"\begin{table}[t]" in to_latex(table(3))
    assert r"\begin{table*}[t]" in to_latex(table(8))
    widest = to_latex(table(15))
    assert r"\begin{table*}[t]" in widest
    assert "In the CSV only: Column 10, Column 11" in widest
    assert r"\shortstack[l]{Column 9}" in widest


def test_numbers_line_up_at_their_points() -> None:
    rows = tuple({"a": Cell("x"), "b": Cell(1.0, text)} for text in ("−12.5", "3.25", "–"))
    text = to_latex(Table("t", "T", "C.", (Column("a", "A"), Column("b", "B", numeric=True)), rows))
    assert "S[table-format=3.2]" in text
    assert "-12.5" in text
    assert "{--}" in text


def test_a_bracket_after_the_end_of_a_line_is_text() -> None:
    columns = (Column("a", "Wide width [mm]"), Column("b", "*"))
    text = to_latex(Table("t", "T", "C.", columns, ({"a": Cell("[1, 2]"), "b": Cell("*")},)))
    assert r"\\{[}mm{]}" in text
    assert r"{[}1, 2{]} & {*} \\" in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here (Debian: texlive-science)")
def test_every_table_compiles(tmp_path: Path, tables: list[Table]) -> None:
    body = "\n".join(f"{to_latex(table)}\\clearpage" for table in tables)
    head = "\\documentclass[twocolumn]{article}\n\\usepackage{booktabs,siunitx,amssymb}\n\\begin{document}\n"
    (tmp_path / "all.tex").write_text(f"{head}{body}\n\\end{{document}}\n", encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "all.pdf").stat().st_size > 10_000
