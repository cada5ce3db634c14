"""A copy of the repository with a tiny campaign, in which the real engines run."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import yaml

from hyperseg.pipeline.campaign import parse_campaign
from hyperseg.pipeline.dvc_file import DEMO, dvc_text

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
VARIANT = "camvid_hyperseg_s"
PARTS = (
    "Snakefile", "dvc.yaml", ".dvc", ".dvcignore", ".gitignore", "environment.yml", "pyproject.toml", "README.md",
    "config", "hyperseg", "profiles", "results/paper", "results/published", "workflow",
)  # fmt: skip
TINY = {
    "campaign": "demo",
    "dataset": {
        "id": "streets",
        "folder": "data/streets",
        "streets": {"train": 4, "val": 2, "test": 2, "height": 128, "width": 128, "seed": 0},
    },
    "variants": [VARIANT],
    "seeds": [0],
    "threads": {"train": 1, "evaluate": 1},
    "training": {
        "pretrained_backbone": False, "epochs": 1, "images_per_epoch": 2, "batch": 2, "crop_hw": [128, 128],
        "train_split": "train", "selection": "last", "workers": 0,
    },
    "evaluation": {"protocols": ["standard"], "split": "test", "input_hw": [128, 128]},
    "latency": {"protocols": ["smoke"], "engines": ["eager"], "precisions": ["float32"], "input_hw": [128, 128]},
    "report": {"title": "A tiny campaign", "strips": 2},
}  # fmt: skip


# Run by Python at the start of every process: writes down what the process loaded, when it ends.
RECORDER = """
import atexit, json, os, sys

opened = set()


def heed(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
        opened.add(os.fsdecode(arguments[0]))


def write():
    modules = [module.__file__ for module in sys.modules.values() if getattr(module, "__file__", None)]
    with open(os.path.join({folder!r}, f"{{os.getpid()}}.json"), "w") as file:
        json.dump({{"command": sys.argv, "files": sorted(opened.union(modules))}}, file)


sys.addaudithook(heed)
atexit.register(write)
"""


class Checkout:
    """A git checkout of the project's files as they are here, whose package is the one that runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.first = folder  # where what is copied here was made
        self.first_output = ""
        self.environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")])),
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "200",
            "DVC_SITE_CACHE_DIR": str(folder.parent / "dvc-site"),
            **{f"GIT_{who}_{what}": "test@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }

    def call(self, *command: str, code: int | None = 0) -> str:
        """Run a command in the checkout; returns what it wrote. `code` is the expected exit code, None any."""
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        wrote = done.stdout + done.stderr
        assert code is None or done.returncode == code, f"{command} ended with {done.returncode}:\n{wrote}"
        return wrote

    def run(self, *options: str, code: int = 0) -> str:
        return self.call("hyperseg", "run", "config/demo.yaml", *options, code=code)

    def configure(self, **changes: dict[str, object]) -> None:
        """Change sections of the tiny campaign."""
        config = {
            key: value | changes.get(key, {}) if isinstance(value, dict) else value for key, value in TINY.items()
        }
        self.write("config/demo.yaml", yaml.safe_dump(config, sort_keys=False))
        self.write("dvc.yaml", dvc_text(parse_campaign(config, "c.yaml"), DEMO))

    def record_loaded(self) -> None:
        """From now on every Python process started here leaves a note of the files that it loaded."""
        recorder = self.folder.parent / "recorder"
        (recorder / "loaded").mkdir(parents=True)
        (recorder / "sitecustomize.py").write_text(RECORDER.format(folder=str(recorder / "loaded")))
        self.environment["PYTHONPATH"] += f"{os.pathsep}{recorder}"

    def loaded(self, word: str) -> set[str]:
        """Files of the package loaded by processes whose script ends in `word` or that have it as an argument."""
        package = self.first / "hyperseg"
        notes = [json.loads(note.read_text()) for note in (self.first.parent / "recorder/loaded").iterdir()]
        files = {
            Path(file)
            for note in notes
            if word in note["command"] or note["command"][0].endswith(word)
            for file in note["files"]
        }
        return {
            file.relative_to(package).as_posix()
            for file in files
            if file.is_relative_to(package) and file.is_file() and file.suffix != ".pyc"
        }

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")


def copy_project(folder: Path) -> Checkout:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *PARTS],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    checkout = Checkout(folder)
    checkout.configure()
    checkout.call("git", "init", "--quiet", "--initial-branch", "main")
    checkout.call("git", "add", "--all")
    checkout.call("git", "commit", "--quiet", "--message", "start")
    return checkout


def takes(process: psutil.Process, number: int) -> bool:
    """Whether a process has a handler of its own for a signal."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)
