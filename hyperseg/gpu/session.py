"""Runs a plan: each piece a process of its own, bounded, marked when it is complete, never run twice."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from hyperseg.errors import UserError
from hyperseg.files import write_text_atomic
from hyperseg.gpu.plan import Options, Piece, plan
from hyperseg.gpu.summary import summary
from hyperseg.records.provenance import provenance

SOURCE = Path(__file__).parents[2]


def run(options: Options) -> None:
    """Print the plan, run what is not done yet while time is left, and print a summary of all records."""
    began = time.monotonic()
    if not options.dry:
        _need_a_gpu()
    pieces, left_out = plan(options)
    _say_plan(options, pieces, left_out)
    for piece in pieces:
        left = 60 * options.minutes - (time.monotonic() - began)
        marker = _marker(options, piece)
        if marker.exists():
            print(f"{piece.name}: done before")
        elif left < piece.seconds:
            print(
                f"{piece.name}: left for another call, as {left:.0f} s are left and it takes about {piece.seconds:.0f}"
            )
        else:
            _run(options, piece, left, marker)
    print()
    print(summary(options.out))


def _need_a_gpu() -> None:
    import torch

    if not torch.cuda.is_available():
        raise UserError("there is no CUDA device here; run on a machine with an NVIDIA GPU, or try `make gpu-dry`")


def _say_plan(options: Options, pieces: list[Piece], left_out: list[str]) -> None:
    print(f"{options.minutes:g} minutes on {options.device}, results in {options.out}")
    for piece in pieces:
        done = "done before" if _marker(options, piece).exists() else f"about {piece.seconds:4.0f} s"
        print(f"  {piece.name:40} {done:12} {piece.what}")
    for sentence in left_out:
        print(f"  left out: {sentence}")
    here = provenance()
    commit = f"commit {here.commit[:7]}{', changed since' if here.dirty else ''}" if here.commit else "no git checkout"
    print(f"  code: {commit}; python {here.python}, torch {here.packages.get('torch', '-')}", flush=True)


def _run(options: Options, piece: Piece, left: float, marker: Path) -> None:
    """One piece; a failure is one line, its output stays in OUT/logs, and the next piece runs."""
    log = options.out / "logs" / f"{piece.name.replace(':', '-')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "hyperseg.gpu.pieces", json.dumps(options.as_json()), piece.name, f"{left:.0f}"]
    print(f"{piece.name}: running", flush=True)
    started = time.monotonic()
    limit = limit_of(options, piece, left, cut=log.exists())
    with log.open("w") as output:
        # In a session of its own: all that it started ends with it and does not disturb the next piece.
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment(options), start_new_session=True
        )
        try:
            code = process.wait(timeout=limit)
        except BaseException as stopped:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if not isinstance(stopped, subprocess.TimeoutExpired):
                raise
            print(f"{piece.name}: ended after {limit:.0f} s; what it had finished is kept, another call goes on")
            return
    seconds = time.monotonic() - started
    if code == 0:
        write_text_atomic(marker, json.dumps({"seconds": round(seconds, 1)}) + "\n")
        print(f"{piece.name}: done in {seconds:.0f} s")
    else:
        last = (log.read_text(errors="replace").strip().splitlines() or ["no message"])[-1]
        print(f"{piece.name}: failed after {seconds:.0f} s: {last} (all of it in {log})")


def limit_of(options: Options, piece: Piece, left: float, cut: bool) -> float:
    """Seconds after which a piece is ended, where ``left`` of the session are left and it was ``cut`` before or not.

    A CPU that others load is not held to an H200's time. A piece that was cut before gets more, but not all that is
    left: one that hangs must not keep the others from running.
    """
    if options.dry or piece.kind == "camvid":
        return left
    return min(left, (4 if cut else 2) * piece.seconds)


def environment(options: Options) -> dict[str, str]:
    """The environment of every piece: this source tree, and compilers' caches below `out`."""
    cache = options.out / "cache"
    paths = [str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "TORCHINDUCTOR_CACHE_DIR": str((cache / "inductor").absolute()),
        "TRITON_CACHE_DIR": str((cache / "triton").absolute()),
    }


def _marker(options: Options, piece: Piece) -> Path:
    return options.out / "done" / f"{piece.name.replace(':', '-')}.json"
