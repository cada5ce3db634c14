"""`hyperseg latency` as a user runs it: a real smoke run beside a noisy neighbour, and what bad input brings."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner
from made_latency import job

from hyperseg.cli.latency import command
from hyperseg.errors import UserError
from hyperseg.latency import devices
from hyperseg.latency.lock import cpu_key, device_lock
from hyperseg.latency.processes import OutOfMemoryError, run_in_fresh_process
from hyperseg.records import LatencyNumbers, Record, read_record

pytestmark = pytest.mark.usefixtures("own_locks")

SMALL = ["--variant", "camvid_hyperseg_s", "--height", "128", "--width", "192", "--protocol", "smoke"]


@contextmanager
def neighbour() -> Iterator[int]:
    """A busy process on one processor, to which what is started meanwhile is pinned as well; its pid."""
    ours = psutil.Process()
    allowed = ours.cpu_affinity()
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    psutil.Process(busy.pid).cpu_affinity(allowed[:1])
    ours.cpu_affinity(allowed[:1])
    try:
        yield busy.pid
    finally:
        ours.cpu_affinity(allowed)
        busy.kill()
        busy.wait()


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> tuple[Record, Path, int]:
    """The record of a real smoke run, its file, and the pid of the neighbour that it ran beside."""
    folder = tmp_path_factory.mktemp("smoke")
    with neighbour() as pid, pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        done = CliRunner().invoke(command, [*SMALL, "--out", str(folder)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "protocol smoke version 1, float32, batch norm folded" in done.stdout
    assert "smoke: a functional check that enters no claim" in done.stdout
    path = folder / "smoke-cpu-eager-float32.json"
    return read_record(path), path, pid


def numbers(record: Record) -> LatencyNumbers:
    assert isinstance(record.numbers, LatencyNumbers)
    return record.numbers


@pytest.mark.slow
def test_a_noisy_neighbour_is_caught_and_named(smoke: tuple[Record, Path, int]) -> None:
    record, _, pid = smoke
    verdict = numbers(record).verdict
    assert verdict.verdict == "INVALID"
    assert [reason for reason in verdict.reasons if "of our processors' time" in reason]
    (cpu,) = numbers(record).conditions["cpu"]
    assert pid in [item["pid"] for item in cpu["neighbours"]]
    assert "stop the other processes, or pin this job to processors of its own" in verdict.advice


@pytest.mark.slow
def test_the_record_says_what_was_timed(smoke: tuple[Record, Path, int]) -> None:
    record, path, _ = smoke
    found = numbers(record)
    assert record.protocol is not None
    assert (record.protocol.id, found.smoke, record.network.weights_sha256) == ("smoke", True, None)
    assert found.clock_stages == ["forward", "upsample", "argmax"]
    assert found.samples >= 5
    assert found.p90_ms is None
    assert found.peak_memory_bytes is not None
    assert found.peak_memory_bytes > record.network.parameters * 4
    assert found.roofline is not None
    assert 0 < found.roofline.fraction_of_peak < 1
    assert len(found.conditions["cpu"][0]["affinity"]) == 1
    assert found.samples_file == "smoke-cpu-eager-float32.parquet"
    assert (path.parent / found.samples_file).exists()


@pytest.mark.slow
def test_a_second_run_does_not_overwrite_the_first(smoke: tuple[Record, Path, int]) -> None:
    path = smoke[1]
    before = path.read_bytes()
    with pytest.raises(UserError, match="never overwritten"):
        command.main([*SMALL, "--out", str(path.parent)], standalone_mode=False)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--variant", "hyperseg_x"], "unknown variant 'hyperseg_x'; choose one of"),
        (["--engine", "warp"], "unknown engine 'warp'; choose one of"),
        (["--protocol", "fast"], "unknown latency protocol 'fast'; choose one of"),
        (["--peer", "icnet"], "unknown peer 'icnet'; choose one of"),
        (["--device", "tpu"], "unknown device 'tpu'; choose cpu, cuda or cuda:N"),
        (["--device", "cuda:²"], "unknown device 'cuda:²'; choose cpu, cuda or cuda:N"),
        (["--protocol", "paper", "--engine", "compile"], "protocol paper is defined for engine eager"),
        (["--protocol", "deploy", "--batch-norm", "deleted"], "protocol deploy takes its batch norms folded"),
        (["--protocol", "deploy", "--images", "5"], "protocol deploy counts no passes over images"),
        (["--precision", "float16"], "engine eager does not run in float16 on cpu; it runs in bfloat16 on cpu"),
        (["--height", "100"], "resize or pad it to"),
        (["--height", "64000", "--width", "64000"], "GiB are free; choose a smaller batch or input"),
        (["--weights", "nowhere.pth"], "weights file 'nowhere.pth' does not exist"),
        (["--peer", "all", "--out-file", "one.json"], "--out-file names one record and several are asked for"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_written(options: list[str], sentence: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(UserError) as caught:
        command.main([*SMALL, "--out", str(out), *options], standalone_mode=False)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not out.exists()


def test_no_gpu_is_one_sentence(tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(UserError, match=r"there is no CUDA device here .*; give --device cpu"):
        command.main([*SMALL, "--device", "cuda", "--out", str(tmp_path / "out")], standalone_mode=False)


def test_a_gpu_beside_one_that_another_holds_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for its memory, a GPU that is full or another's alone answers with an error."""
    (tmp_path / "torch.py").write_text("""
from types import SimpleNamespace

version = SimpleNamespace(cuda="13.0")

def free(index):
    if index != 1:
        raise RuntimeError("CUDA-capable device(s) is/are busy or unavailable")
    return 5, 10

cuda = SimpleNamespace(
    is_available=lambda: True, device_count=lambda: 2, mem_get_info=free,
    get_device_properties=lambda index: SimpleNamespace(uuid=f"uuid-{index}", name="H100"),
)
""")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    devices._cuda_device.cache_clear()
    try:
        found = devices.find_device("cuda:1")
        assert (found.index, found.lock_key, found.free_bytes) == (1, "gpu-uuid-1", 5)
        with pytest.raises(UserError, match="there is no device cuda:2; this machine has 2, from cuda:0"):
            devices.find_device("cuda:2")
        with pytest.raises(UserError, match=r"CUDA does not start here .*busy or unavailable"):
            devices.find_device("cuda:0")
    finally:
        devices._cuda_device.cache_clear()


def test_a_busy_device_is_one_sentence(tmp_path: Path) -> None:
    with (
        device_lock(cpu_key(), "this machine's CPU"),
        pytest.raises(UserError, match=rf"this machine's CPU is being timed by pid {os.getpid()} of"),
    ):
        command.main([*SMALL, "--out", str(tmp_path / "out")], standalone_mode=False)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_what_a_process_refuses_comes_back_as_its_sentence() -> None:
    with pytest.raises(UserError, match="unknown engine 'warp'"):
        run_in_fresh_process(job(engine="warp"))


@pytest.mark.slow
def test_memory_that_runs_out_in_the_process_is_told() -> None:
    with pytest.raises(OutOfMemoryError, match="too little memory on cpu for camvid_hyperseg_s at batch 1000000"):
        run_in_fresh_process(job(batch=1_000_000, height=6400, width=6400))
