"""`hyperseg bench` as a user runs it, beside a stand-in for the authors' checkout, and what bad input brings."""

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from hyperseg.bench.run import run
from hyperseg.bench.setting import Setting
from hyperseg.cli.bench import command
from hyperseg.errors import UserError
from hyperseg.latency.lock import cpu_key, device_lock
from hyperseg.prediction import PRETRAINED
from hyperseg.records import BenchNumbers, read_record
from hyperseg.records.check import problems
from hyperseg.records.derive import checks
from hyperseg.report.collection import load
from hyperseg.report.tables.bench import bench_tables
from hyperseg.report.tables.speed import speed_table

pytestmark = pytest.mark.usefixtures("own_locks")

# Of the checkout only the way in is the authors' (YuvalNirkin/hyperseg, models/hyperseg_v1_0.py); the network is not.
STAND_IN = """
from torch import nn

def hyperseg_efficientnet(backbone, num_classes, **options):
    return nn.Conv2d(3, num_classes, 3, padding=1)
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    models = tmp_path / "authors" / "hyperseg" / "models"
    models.mkdir(parents=True)
    for folder in (models, models.parent):
        (folder / "__init__.py").touch()
    (models / "hyperseg_v1_0.py").write_text(STAND_IN)
    return tmp_path / "authors"


def options(checkout: Path, *more: str) -> list[str]:
    return ["--authors", str(checkout), "--variant", "camvid_hyperseg_s", "--engine", "eager", "--rounds", "6", *more]


@pytest.mark.slow
def test_inference_and_loading_go_to_a_record_that_the_report_shows(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)  # PyTorch's default
    parts = ("--part", "inference", "--part", "loading", "--keep-memory")
    call = options(checkout, *parts, "--out", str(tmp_path / "out"))
    done = CliRunner().invoke(command, call, standalone_mode=False)
    assert done.exception is None, done.output
    for text in (
        "inference, 1 x 576 x 768",
        "loading, one training sample",
        "CPU float32 logits, every engine: reached",
    ):
        assert text in done.output
    path = tmp_path / "out" / "camvid_hyperseg_s" / "bench-cpu.json"
    record = read_record(path)
    numbers = record.numbers
    assert isinstance(numbers, BenchNumbers)
    assert numbers.switches is not None  # the goals for a GPU are of exact float32
    assert (numbers.switches["cudnn.allow_tf32"], numbers.switches["keep_memory"]) == (False, True)
    assert numbers.inference is not None
    authors, eager, rounded = numbers.inference.timings
    assert [row.name for row in (authors, eager, rounded)] == ["authors", "eager/float32", "eager/bfloat16"]
    assert eager.largest_error == 0
    assert eager.equal_classes_percent is not None
    assert eager.equal_classes_percent > 99.9
    assert eager.ratio_interval is not None
    assert eager.ratio_interval.low <= eager.ratio <= eager.ratio_interval.high
    # The stand-in is another network: its answer is wrong, and its speed does not count.
    assert authors.verdict is not None
    assert authors.verdict.verdict == "INVALID"
    assert any(reason.startswith("wrong answer") for reason in authors.verdict.reasons)
    for row in (eager, rounded):
        assert row.verdict is not None
        assert not any(reason.startswith("wrong answer") for reason in row.verdict.reasons)
    assert all(row.page_faults is not None for row in numbers.inference.timings)
    assert numbers.inference.calibration is not None
    assert numbers.inference.conditions is not None
    assert numbers.loading is not None
    assert [row.name for row in numbers.loading.timings] == ["plain Pillow", "decoding", "cached"]
    assert numbers.loading.largest_difference < 0.2
    assert (record.seed, record.config["parts"]) == (0, ["inference", "loading"])
    assert list(problems(checks(record))) == []
    contenders, goals = bench_tables(load([path]))
    assert [row["contender"].value for row in contenders.rows] == ["authors", "eager/float32", "eager/bfloat16"]
    assert len(goals.rows) == len(numbers.goals)
    speed = {row["goal"].value: row["camvid_hyperseg_s"].value for row in speed_table(load([path])).rows}
    assert speed == {goal.title: goal.value for goal in numbers.goals}  # on a busy machine that of the logits alone

    before = path.read_bytes()
    with pytest.raises(UserError, match="never overwritten"):
        command.main(call, standalone_mode=False)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--variant", "hyperseg_x"], "unknown variant 'hyperseg_x'; choose one of"),
        (["--engine", "warp"], "unknown engine 'warp'; choose one of"),
        (["--engine", "cudagraph"], "engine cudagraph does not run in float32 on cpu"),
        (["--weights", "w.safetensors"], "the agreement needs --weights and --images"),
        (["--part", "agreement"], "the agreement needs --weights and --images"),
        (["--authors", "nowhere"], "nowhere is not a checkout of the authors' repository"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_written(
    more: list[str], sentence: str, checkout: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(UserError) as caught:
        command.main(options(checkout, "--out", str(out), *more), standalone_mode=False)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not out.exists()


def test_a_device_that_another_job_times_is_refused(checkout: Path) -> None:
    with device_lock(cpu_key(), "this machine's CPU"), pytest.raises(UserError, match="is being timed by pid"):
        command.main(options(checkout), standalone_mode=False)


def test_the_record_of_an_agreement_names_the_network_of_its_weights(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), (90, 120, 30)).save(tmp_path / "0.png")
    setting = Setting(
        authors=None, say=print, device="cpu", engines=("eager",), weights=PRETRAINED, images=tmp_path, limit=1
    )
    record = run("camvid_hyperseg_s", ["agreement"], setting, "test", lambda numbers: None)
    assert record.network.backbone == "tf_efficientnet_lite1"
    assert isinstance(record.numbers, BenchNumbers)
    assert record.numbers.agreement is not None
    assert record.numbers.agreement.backbone == "tf_efficientnet_lite1"
