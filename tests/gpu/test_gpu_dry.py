"""`make gpu-dry`: the whole plan on the CPU, from a source tree with nothing installed but torch, timm and pydantic."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from hyperseg.records import BenchNumbers, LatencyNumbers, read_record

# Packages that are no dependency of torch, timm or pydantic; each process of a session imports this file at its start.
BARE = """
from importlib.machinery import PathFinder

ABSENT = {
    "click", "rich", "psutil", "scipy", "pyarrow", "pynvml", "pandas", "dvc", "snakemake", "torchmetrics", "matplotlib",
    "pooch", "dvclive", "onnx", "onnxruntime", "openvino", "transformers", "segmentation_models_pytorch",
}
found = PathFinder.find_spec.__func__

def find_spec(cls, name, path=None, target=None):
    return None if name.partition(".")[0] in ABSENT else found(cls, name, path, target)

PathFinder.find_spec = classmethod(find_spec)
"""


@pytest.mark.slow
def test_the_plan_runs_from_a_bare_source_tree(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(BARE)
    out = tmp_path / "out"
    root = Path(__file__).parents[2]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), str(root)]),
        "TMPDIR": str(tmp_path),  # locks of this test's own
    }
    command = [sys.executable, "-m", "hyperseg.gpu", "--dry", "--minutes", "30", "--out", str(out), "--pack"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    logs = "\n".join(path.read_text() for path in sorted((out / "logs").iterdir()))
    assert "failed after" not in done.stdout, done.stdout + logs

    (row,) = json.loads((out / "answers" / "camvid_hyperseg_s-ready.json").read_text())
    assert (row["engine"], row["verdict"]) == ("eager", "VALID")
    folder = out / "records" / "camvid_hyperseg_s"
    bench = read_record(folder / "inference" / "bench-cpu.json").numbers
    assert isinstance(bench, BenchNumbers)
    assert bench.inference is not None
    assert [timing.name for timing in bench.inference.timings] == ["eager/float32", "eager/bfloat16"]
    assert bench.goals == []  # they are ratios to the authors' code, which was not given
    latency = read_record(folder / "latency" / "smoke" / "smoke-cpu-eager-float32.json").numbers
    assert isinstance(latency, LatencyNumbers)
    assert latency.answer is not None
    assert latency.samples_file is None  # pyarrow is not there
    profile = (out / "profiles" / "camvid_hyperseg_s.csv").read_text()
    assert "convolution" in profile
    assert (out / "packed" / "results.tar.gz.000").exists()
    assert "camvid_hyperseg_s" in done.stdout.partition("records\n")[2]

    again = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert ": running" not in again.stdout
    assert tempfile.gettempdir() not in bench.model_dump_json()
