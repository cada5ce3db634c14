"""What is done to a step while it runs."""

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from subprocess import TimeoutExpired

import numpy as np
import psutil
import yaml
from PIL import Image
from steps import family, start, trained, written
from trial import Fail, Skip, Trial

ROOM_MB = 16  # of memory that a process gets beyond what it has when its limit is set
STEPS = ("fetch", "prepare", "streets", "train", "evaluate", "latency", "report")
# Run by Python at the start of every process of a step: the driver's error, in a call of the network.
LOSE_DEVICE = """
from itertools import count

import torch

calls = count()


def lose(module, arguments):
    if type(module).__name__ == "HyperSeg" and next(calls) == {call}:
        raise torch.AcceleratorError("CUDA error: unspecified launch failure")


torch.nn.modules.module.register_module_forward_pre_hook(lose)
"""


def disk_full(trial: Trial) -> None:
    """A disk of some part of what the result needs; then one of enough, with the room that downloads keep spare."""
    size = int(trial.known.bytes * trial.chance.uniform(0.1, 0.7))
    with disk(trial.out.parent, f"size={max(size, 4096)}"):
        trial.refused_well(trial.end(trial.begin()), may_finish=False)
        remount(trial.out.parent, "size=512m")
        trial.again()


def read_only(trial: Trial) -> None:
    with disk(trial.out.parent, "size=512m"):
        remount(trial.out.parent, "ro")
        trial.refused_well(trial.end(trial.begin()), may_finish=False)
        remount(trial.out.parent, "rw")
        trial.again()


def no_permission_to_write(trial: Trial) -> None:
    trial.out.parent.mkdir(parents=True)
    trial.out.parent.chmod(0o555)
    trial.refused_well(trial.end(trial.begin(unprivileged())), may_finish=False)
    trial.out.parent.chmod(0o755)
    trial.again()


def no_permission_to_read(trial: Trial) -> None:
    trial = trial.on_copies("streets")
    unreadable = trial.folder / "inputs/streets" / picture(trial, "images")
    unreadable.chmod(0)
    trial.refused_well(trial.end(trial.begin(unprivileged())), may_finish=False)
    unreadable.chmod(0o644)
    trial.again()


def clock_set_back(trial: Trial) -> None:
    """Two hours, while the step runs."""
    places = [
        *Path("/usr/lib").glob("*/faketime/libfaketime.so.1"),
        *Path("/usr/lib/faketime").glob("libfaketime.so.1"),
    ]
    library = os.environ.get("FAKETIME_LIBRARY") or next(map(str, places), None)
    if library is None:
        raise Skip("libfaketime is not installed; install it with `apt-get install libfaketime`")
    trial.folder.mkdir(parents=True)
    clock = trial.folder / "clock"
    clock.write_text("+0\n")
    settings = (f"LD_PRELOAD={library}", f"FAKETIME_TIMESTAMP_FILE={clock}", "FAKETIME_CACHE_DURATION=1")
    running = trial.begin(("env", *settings, "FAKETIME_DONT_FAKE_MONOTONIC=1"))
    with suppress(TimeoutExpired):
        running.wait(timeout=trial.instant())
    clock.write_text("-2h\n")
    if (code := trial.end(running)) != 0:
        raise Fail(f"exit code {code}: {written(trial.out)[-1500:]}")
    trial.equal()


def input_changed_while_read(trial: Trial) -> None:
    """A label, an archive or the weights get other bytes: refused, or without effect on what is recorded."""
    words = " ".join(trial.known.step.words)
    names = [name for name in ("streets", "cambridge", "train/weights.safetensors") if str(trial.base / name) in words]
    trial = trial.on_copies(*names)
    inputs = trial.folder / "inputs"
    changed = {
        "streets": inputs / "streets" / picture(trial, "labels"),
        "cambridge": inputs / "cambridge/LabeledApproved_full.zip",
        "train/weights.safetensors": inputs / "train/weights.safetensors",
    }[trial.chance.choice(names)]
    right = changed.read_bytes()
    running = trial.begin()
    with suppress(TimeoutExpired):
        running.wait(timeout=trial.instant())
    change(changed)
    trial.refused_well(trial.end(running))
    changed.write_bytes(right)
    shutil.rmtree(trial.out, ignore_errors=True)
    trial.again()


def same_at_once(trial: Trial) -> None:
    """Two runs into one folder: one or both end well, with the result of one run."""
    first = trial.begin()
    second = start(trial.checkout, trial.known.step, trial.out, output=trial.folder / "second.txt")
    codes = [trial.end(first), trial.end(second)]
    for code, said in zip(codes, (written(trial.out), (trial.folder / "second.txt").read_text()), strict=True):
        if code and (code != 2 or not said.strip().splitlines()[-1].startswith("error: ") or "Traceback" in said):
            raise Fail(f"exit code {code}: {said[-1500:]}")
    if 0 not in codes:
        raise Fail(f"both refused: {written(trial.out)[-500:]}")
    trial.equal()


def other_at_once(trial: Trial) -> None:
    """A run of another seed into the same folder: the record that is there is of the weights that are there."""
    words = [word.replace("--seed=0", "--seed=1") for word in trial.known.step.words]
    first = trial.begin()
    second = start(trial.checkout, replace(trial.known.step, words=tuple(words)), trial.out, output=trial.folder / "2")
    codes = sorted([trial.end(first), trial.end(second)])
    if codes not in ([0, 0], [0, 2]):
        raise Fail(f"exit codes {codes}: {written(trial.out)[-1000:]} {(trial.folder / '2').read_text()[-1000:]}")
    weights, recorded = trained(trial.out)
    if weights != recorded:
        raise Fail("the record is of other weights than lie beside it")


def out_of_memory(trial: Trial) -> None:
    """From an instant on, no process of the step gets more than a little memory."""
    running = trial.begin()
    with suppress(TimeoutExpired):
        running.wait(timeout=trial.instant())
    for process in family(running):
        with suppress(psutil.Error, ProcessLookupError):
            bytes_ = process.memory_info().vms + (ROOM_MB << 20)
            resource.prlimit(process.pid, resource.RLIMIT_AS, (bytes_, bytes_))
    trial.refused_well(trial.end(running))
    shutil.rmtree(trial.out, ignore_errors=True)
    trial.again()


def dead_worker(trial: Trial) -> None:
    """One of the processes that load pictures is killed."""
    config = yaml.safe_load(trial.checkout.read("config/demo.yaml"))
    config["training"]["workers"] = 2
    trial.checkout.write("config/workers.yaml", yaml.safe_dump(config))
    words = [word.replace("config/demo.yaml", "config/workers.yaml") for word in trial.known.step.words]
    loading = replace(trial, known=replace(trial.known, step=replace(trial.known.step, words=tuple(words))))
    running = loading.begin()
    while running.poll() is None:
        children = family(running)[1:]
        if children:
            with suppress(TimeoutExpired):
                running.wait(timeout=trial.chance.uniform(0, 2))
            with suppress(psutil.Error):
                trial.chance.choice(children).kill()
            break
        with suppress(TimeoutExpired):
            running.wait(timeout=0.05)
    loading.refused_well(trial.end(running))
    trial.again()


def device_lost(trial: Trial) -> None:
    """What the driver of a GPU says that is gone, in a call of the network; raised here, where there need be no GPU."""
    calls = 8 if trial.known.step.words[0] == "train" else 2
    place = trial.folder / "start"
    place.mkdir(parents=True)
    (place / "sitecustomize.py").write_text(LOSE_DEVICE.format(call=trial.chance.randrange(calls)))
    path = f"PYTHONPATH={place}{os.pathsep}{trial.checkout.environment['PYTHONPATH']}"
    trial.refused_well(trial.end(trial.begin(("env", path))), may_finish=False)
    if "the GPU failed" not in written(trial.out):
        raise Fail(f"another reason was given: {written(trial.out)[-500:]}")
    trial.again()


# Names as in the table; the steps that a fault is tried on.
DISTURBANCES: dict[str, tuple[Callable[[Trial], None], tuple[str, ...]]] = {
    "disk full": (disk_full, STEPS),
    "read-only": (read_only, STEPS),
    "not writable": (no_permission_to_write, STEPS),
    "not readable": (no_permission_to_read, ("train", "evaluate")),
    "clock set back": (clock_set_back, STEPS),
    "changed": (input_changed_while_read, ("prepare", "train", "evaluate", "latency")),
    "same at once": (same_at_once, (*STEPS, "snakemake")),
    "other at once": (other_at_once, ("train",)),
    "memory": (out_of_memory, ("prepare", "train", "evaluate", "latency", "report")),
    "dead worker": (dead_worker, ("train",)),
    "device lost": (device_lost, ("train", "evaluate", "latency")),
}


def picture(trial: Trial, kind: str) -> str:
    """A picture that the step reads."""
    split = "train" if trial.known.step.words[0] == "train" else "test"
    return f"{split}/{kind}/{trial.chance.randrange(2):06d}.png"


def change(path: Path) -> None:
    """Other content of the same kind, in place, as an editor or a copy that is under way would leave it."""
    if path.suffix == ".png":
        pixels = np.array(Image.open(path))
        Image.fromarray(np.roll(pixels, pixels.shape[0] // 3, axis=0)).save(path)
    else:
        data = bytearray(path.read_bytes())
        data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
        path.write_bytes(data)


def unprivileged() -> tuple[str, ...]:
    """What makes root heed permissions; nothing for other users."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        raise Skip("root may write everywhere, and there is no setpriv to take that away; run as another user")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


@contextmanager
def disk(place: Path, options: str) -> Iterator[None]:
    """A disk in memory at `place`, while it lasts."""
    place.mkdir(parents=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True, text=True)
    if done.returncode:
        raise Skip(f"a disk of its own needs root and mount ({done.stderr.strip() or 'refused'}); run as root")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def remount(place: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", place], check=True)
