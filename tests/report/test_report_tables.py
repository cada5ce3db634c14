"""What all tables share: order, units, folding, notes, file names; the paper's own tables and the claims."""

import re
from pathlib import Path

import pytest
from claims_frame import claims_frame
from record_factory import VARIANTS, evaluation, latency, sha
from reported import GPU, as_paper, collection, rows

from hyperseg.records import DatasetRef
from hyperseg.report.coverage import lead
from hyperseg.report.facts import PaperRow, PeerRow
from hyperseg.report.inputs import Inputs
from hyperseg.report.tables.accuracy import accuracy_table
from hyperseg.report.tables.classes import class_tables
from hyperseg.report.tables.coverage import coverage_table
from hyperseg.report.tables.formats import to_csv, to_markdown
from hyperseg.report.tables.latex import latex_text, to_latex
from hyperseg.report.tables.model import Cell, Column, Table, view
from hyperseg.report.tables.paper import paper_tables
from hyperseg.report.tables.runtime import runtime_tables
from hyperseg.report.tables.scaling import scaling_tables
from hyperseg.report.tables.summary import summary_table

Paper = tuple[PaperRow, ...]
Rivals = tuple[PeerRow, ...]


def test_the_papers_tables_have_its_rows_ours_and_rivals(tmp_path: Path, paper: Paper, rivals: Rivals) -> None:
    found = collection(
        tmp_path, as_paper(77.4), as_paper(78.4, seed=1), latency("camvid_hyperseg_s", "paper", 27.0, at=GPU)
    )
    by_id = {table.id: table for table in paper_tables(Inputs(found, paper, rivals))}
    assert list(by_id) == ["paper_camvid_test", "paper_cityscapes_val", "paper_cityscapes_test", "paper_voc2012_val"]
    camvid = rows(by_id["paper_camvid_test"])
    assert [row["method"] for row in camvid[:2]] == ["camvid_hyperseg_s", "camvid_hyperseg_l"]
    assert float(camvid[0]["difference_points"]) == pytest.approx(-0.5)
    assert float(camvid[0]["ours_fps"]) == pytest.approx(1000 / 27)
    assert by_id["paper_camvid_test"].rules == (2,)
    city = to_markdown(by_id["paper_cityscapes_test"])
    assert "| HyperSeg-S | EfficientNet-B1 | – | not in our facts |" in city
    assert "api.deepai.org (web page)" in city  # whose address begins with http:
    hardnet = next(row for row in rows(by_id["paper_cityscapes_test"]) if row["method"] == "FC-HarDNet-70")
    assert (hardnet["fps_gtx_1080_ti_pytorch"], hardnet["fps_other"]) == ("53.0", "")
    assert "no split stated" in by_id["paper_cityscapes_val"].remarks[0]


def test_every_claim_is_a_row_with_its_verdict(tmp_path: Path) -> None:
    claims = claims_frame()
    table = coverage_table(Inputs(collection(tmp_path, evaluation()), claims=claims))
    assert table is not None
    stored = rows(table)
    assert [row["claim"] for row in stored] == list(claims["claim"])
    assert [row["verdict"] for row in stored] == list(claims["verdict"])
    assert "78.1 [77.8, 78.4]" in to_markdown(table)
    claims.loc[2, "reason"] = "on a GPU; elsewhere more"
    first, holds, fails, unjudged = lead(claims)
    assert first == (
        "Of 8 claims of the paper: 1 reproduced, 1 within noise, 1 better, 1 not reproduced, 1 other protocol and "
        "3 not measurable here.",
        [],
    )
    assert holds == (
        "Holds:",
        [
            "CamVid, HyperSeg-S, mIoU (paper 78.4, here 78.1)",
            "CamVid, HyperSeg-L, mIoU (paper 79.1, here 78.4)",
            "Cityscapes, HyperSeg-M, FPS (paper 36.9, here 45)",
        ],
    )
    assert fails == ("Does not hold:", ["Cityscapes, HyperSeg-M, mIoU (paper 76.2, here 74.3): on a GPU"])
    assert unjudged[0] == "Most frequent reasons for no verdict:"
    assert "needs Cityscapes, which needs an account (2)" in unjudged[1]


def test_order_does_not_depend_on_file_names(tmp_path: Path, paper: Paper) -> None:
    records = [evaluation(variant) for variant in VARIANTS] + [latency(variant) for variant in VARIANTS]
    forth = collection(tmp_path / "forth", *records)
    back = collection(tmp_path / "back", *reversed(records))
    assert to_csv(accuracy_table(forth, paper)) == to_csv(accuracy_table(back, paper))
    assert to_csv(runtime_tables(forth, paper)[0]) == to_csv(runtime_tables(back, paper)[0])
    assert to_csv(summary_table(forth)) == to_csv(summary_table(back))


def test_stored_names_carry_units_and_values_full_precision(tmp_path: Path) -> None:
    found = collection(tmp_path, evaluation(miou=100.0 / 3), latency(median=1000.0 / 7))
    assert rows(accuracy_table(found, ()))[0]["miou_percent_standard_v1"] == repr(100.0 / 3)
    (runtime,) = runtime_tables(found, ())
    assert rows(runtime)[0]["median_ms"] == repr(1000.0 / 7)
    unit = re.compile(r"_(ms|s|mib|px|per_s|percent|percent_\w+_v\d+|points)$")
    numeric = {c.key for c in runtime.columns if c.numeric} - {
        "threads", "batch", "samples", "processes", "speedup_vs_authors", "ratio_to_paper", "gmacs_per_image",
        "fraction_of_roof",
    }  # fmt: skip
    assert all(unit.search(key) for key in numeric)


def test_what_all_rows_share_is_said_once(tmp_path: Path) -> None:
    found = collection(tmp_path, evaluation(), evaluation("voc_hyperseg_l"))
    seen = view(accuracy_table(found, ()))
    assert ("Dataset", "streets (generated)") in seen.folded
    assert "Dataset" not in [column.title for column in seen.columns]
    assert "Network" in [column.title for column in seen.columns]


def test_ids_of_a_record_never_leave_the_folder(tmp_path: Path) -> None:
    odd = DatasetRef(id="../../etc/x", version=sha("odd"), split="a/b", images=1)
    found = collection(tmp_path, evaluation(dataset=odd, protocol="../p"), latency(protocol="a/../b", sweep=True))
    tables = [*class_tables(found), *runtime_tables(found, ()), *scaling_tables(found)]
    assert len(tables) == 3
    assert all(re.fullmatch(r"[\w-]+", table.id) for table in tables)


def test_reasons_of_verdicts_are_one_note_with_the_range_of_their_numbers() -> None:
    reasons = ["drift by 2.5 % (in 1 of 3 processes)", "drift by 10.1 % (in 3 of 3 processes)", "too few samples"]
    cells = [Cell("DEGRADED", mark="degraded", notes=(reason,)) for reason in reasons]
    cells += [Cell("x", notes=("epochs 7",)), Cell("y", notes=("epochs 8",))]
    seen = view(Table("t", "T", "C.", (Column("a", "A"),), tuple({"a": cell} for cell in cells)))
    assert dict(seen.notes) == {
        "a": "drift by 2.5 to 10.1 % (in 1 to 3 of 3 processes)", "b": "too few samples",
        "c": "epochs 7", "d": "epochs 8",
    }  # fmt: skip
    assert [row[0].letters for row in seen.rows] == [("a",), ("a",), ("b",), ("c",), ("d",)]


def test_more_notes_than_letters() -> None:
    table = Table("t", "T", "C.", (Column("a", "A"),), tuple({"a": Cell("x", notes=(f"note {n}",))} for n in range(60)))
    letters = [letter for letter, _ in view(table).notes]
    assert letters[:2] == ["a", "b"]
    assert letters[26:28] == ["aa", "ab"]
    assert len(set(letters)) == 60


def test_latex_has_no_character_of_its_own_left() -> None:
    assert latex_text("a_b & 5 % {x} $ # ~ ^ \\ <>") == (
        r"a\_b \& 5 \% \{x\} \$ \# \textasciitilde{} \textasciicircum{} \textbackslash{} \textless{}\textgreater{}"
    )
    table = Table(
        "some_id", "T", "Caption.", (Column("a_b", "A_B"),), ({"a_b": Cell("x & y", notes=("50 % | more",))},)
    )
    text = to_latex(table)
    assert r"\label{tab:some-id}" in text
    assert r"x \& y$^{a}$" in text
    assert r"\toprule" in text
    assert to_markdown(table).count("|") == 6 + 1  # head, rule and body of one column, and the note's own
