"""What `snakemake --report` shows of a finished campaign: results by category, each with its caption."""

from pathlib import Path

import pytest
from pipeline_checkout import VARIANT, Checkout

pytestmark = pytest.mark.slow


def test_snakemake_report_has_results_and_captions(finished: Checkout, tmp_path: Path) -> None:
    options = ("--configfile", "config/demo.yaml", "--nolock")
    finished.call("snakemake", *options, "--report", str(tmp_path / "report.html"))
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    for category in ("Page", "Tables", "Figures", "Pictures"):
        assert f'"{category}"' in report
    for result in ("index.html", "coverage.csv", "accuracy.csv", "tradeoff.svg", f"{VARIANT}-1.jpg"):
        assert f"/{result}" in report
    for caption in ("Every claim of the paper", "Accuracy against frame rate", f"an image that {VARIANT} scored"):
        assert caption in report
