"""The tidy frame: one row per number, the same columns whatever was read."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from record_content import content

import hyperseg
from hyperseg.files import sha256_file
from hyperseg.records.frame import COLUMNS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def reference() -> pd.DataFrame:
    return hyperseg.read_records(ROOT / "results/reference")


def test_every_frame_has_the_same_typed_columns(tmp_path: Path, reference: pd.DataFrame) -> None:
    (tmp_path / "record.json").write_text(json.dumps(content("latency")))
    for frame in (reference, hyperseg.read_records([tmp_path]), hyperseg.read_records([])):
        assert dict(frame.dtypes.astype(str)) == COLUMNS
    for name in COLUMNS:
        assert f"``{name}``" in (hyperseg.read_records.__doc__ or "")


def test_a_number_keeps_its_interval_and_what_it_belongs_to(reference: pd.DataFrame) -> None:
    path = "camvid/camvid_hyperseg_s/seed0/evaluation-paper.json"
    stored = json.loads((ROOT / "results/reference" / path).read_text())
    rows = reference[reference["record"].str.endswith(path)]
    [miou] = rows[rows["quantity"] == "miou"].to_dict("records")
    assert miou["value"] == stored["numbers"]["miou_percent"]
    assert miou["low"] == stored["numbers"]["miou_interval"]["low"]
    assert miou["high"] == stored["numbers"]["miou_interval"]["high"]
    assert miou["dataset_version"] == stored["dataset"]["version"]
    assert miou["weights_sha256"] == stored["network"]["weights_sha256"]
    assert miou["machine"] == stored["provenance"]["machine"]["fingerprint"]
    assert miou["record_sha256"] == sha256_file(ROOT / "results/reference" / path)
    classes = rows[rows["quantity"] == "class_iou"]
    assert list(classes["subject"]) == [entry["name"] for entry in stored["numbers"]["classes"]]
    assert list(classes["value"]) == [entry["iou_percent"] for entry in stored["numbers"]["classes"]]


def test_contenders_of_a_benchmark_are_told_apart(reference: pd.DataFrame) -> None:
    ratios = reference[reference["quantity"] == "speed_ratio"]
    assert set(ratios.loc[ratios["source"] == "authors", "value"]) == {1.0}
    assert {"native", "eager", "openvino"} <= set(ratios["engine"].dropna())
    assert "segformer-b0" in set(ratios.loc[ratios["source"] == "peer", "variant"])
    assert not reference.duplicated(["record", "quantity", "subject"]).any()


def test_the_public_name_loads_no_torch() -> None:
    code = f"import sys, hyperseg; hyperseg.read_records({str(ROOT / 'results/reference/camvid')!r}); "
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
