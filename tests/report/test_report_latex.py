"""The LaTeX tables compile, where LaTeX is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest
from record_factory import demo, latency, write

from hyperseg.report.collection import load
from hyperseg.report.facts import PaperRow, read_peers
from hyperseg.report.tables.accuracy import accuracy_table
from hyperseg.report.tables.classes import class_tables
from hyperseg.report.tables.formats import to_latex
from hyperseg.report.tables.published import published_table
from hyperseg.report.tables.runtime import runtime_tables
from hyperseg.report.tables.summary import summary_table
from hyperseg.report.tables.training import training_table


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here (Debian: texlive-latex-recommended)")
def test_every_table_compiles(tmp_path: Path, paper: tuple[PaperRow, ...], root: Path) -> None:
    records = demo() | {"x.json": latency(verdict="DEGRADED", device_name="Odd_name #1 & 50% ~ {Ω}")}
    found = load([write(tmp_path / "records", records)])
    peers = read_peers(root / "results/published/published_peers.csv")
    tables = [summary_table(found), accuracy_table(found, paper), training_table(found), published_table(peers)]
    tables += [*runtime_tables(found, paper), *class_tables(found)]
    body = "\n".join(f"{to_latex(table)}\\clearpage" for table in tables)
    head = "\\documentclass{article}\n\\usepackage{booktabs,graphicx}\n\\begin{document}\n"
    document = f"{head}{body}\n\\end{{document}}\n"
    (tmp_path / "all.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "all.pdf").stat().st_size > 10_000
