"""Protects finished trainings: none is repeated, and no weights are deleted, unless the user asks for it.

Snakemake alone knows what is stale, and a dry run asks it. What it looks at is remembered as one hash, so that a run is
asked again only after something has changed.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

from hyperseg.errors import UserError
from hyperseg.files import write_text_atomic
from hyperseg.pipeline.commands import reason, touch
from hyperseg.pipeline.digests import current_digests
from hyperseg.pipeline.dvc_file import dvc_file
from hyperseg.pipeline.steps import Layout

Choice = Literal["ask", "keep", "redo"]
SEEN = Path(".snakemake/hyperseg")  # what was looked at the last time, one file per campaign
NAMED = 5  # trainings named in a message


def finished(layout: Layout) -> list[str]:
    """The folders of finished trainings."""
    names = ("train.json", "weights.safetensors")
    return [folder for folder in layout.trainings() if all(Path(folder, name).is_file() for name in names)]


def protect(
    layout: Layout, config: Path, choice: Choice, stale: Callable[[], Iterable[str]], options: Iterable[str] = ()
) -> None:
    """Go on only if no finished training would be made again, or if `choice` settles it.

    `stale` asks the engine for the folders of the trainings that it would make; `options` are the engine's. "keep"
    takes those that are finished as they are, "redo" lets them be made again. Raises :class:`UserError` naming them
    under "ask".
    """
    if choice != "redo" and finished(layout) and not _seen(layout):
        lost = sorted(set(finished(layout)).intersection(stale()))
        if lost and choice == "ask":
            raise UserError(_refusal(layout, config, lost))
        if lost:
            done = touch(config, *(f"{folder}/train.json" for folder in lost), options=options)
            if done.returncode:
                raise UserError(f"snakemake could not keep the trainings: {reason(done)}; see `hyperseg run --help`")
    remember(layout)


def refuse_unrecorded(layout: Layout, config: Path) -> None:
    """Raise :class:`UserError` naming the finished trainings that dvc.lock lacks: DVC would delete them for good."""
    lock = dvc_file(config).with_name("dvc.lock")
    recorded = lock.read_text(encoding="utf-8") if lock.is_file() else ""
    lost = [folder for folder in finished(layout) if _md5(f"{folder}/train.json") not in recorded]
    if lost:
        raise UserError(
            f"{lock} lacks these finished trainings, which DVC would delete and make again: {_named(layout, lost)}; "
            f"bring the campaign up to date with `hyperseg run {config}`, then DVC with `hyperseg track {config}`"
        )


def remember(layout: Layout) -> None:
    """Note that the finished trainings belong to the current code, configuration and data."""
    write_text_atomic(_file(layout), _key(layout))


def _seen(layout: Layout) -> bool:
    return _file(layout).is_file() and _file(layout).read_text(encoding="utf-8") == _key(layout)


def _file(layout: Layout) -> Path:
    return SEEN / f"trainings-{layout.campaign.campaign}"


def _key(layout: Layout) -> str:
    """Everything by which Snakemake decides to repeat a training."""
    made = {folder: Path(folder, "train.json").stat().st_mtime_ns for folder in finished(layout)}
    rules = [
        path.read_text(encoding="utf-8") for path in (Path("Snakefile"), *sorted(Path("workflow").glob("rules/*")))
    ]
    manifest = Path(layout.manifest)
    data = manifest.read_text(encoding="utf-8") if manifest.is_file() else None
    looked = [layout.campaign.model_dump_json(), current_digests(layout.campaign), rules, data, made]
    return hashlib.sha256(json.dumps(looked).encode()).hexdigest()


def _refusal(layout: Layout, config: Path, lost: list[str]) -> str:
    return (
        f"code, configuration or data changed, so these finished trainings would be deleted and made again: "
        f"{_named(layout, lost)}; take the change back, or choose: `hyperseg run {config} --trainings keep` "
        "(as they are) or `--trainings redo`"
    )


def _md5(file: str) -> str:
    """As dvc.lock has it."""
    return hashlib.md5(Path(file).read_bytes(), usedforsecurity=False).hexdigest()


def _named(layout: Layout, folders: list[str]) -> str:
    short = [folder.removeprefix(f"{layout.runs}/").replace("/", " ") for folder in folders]
    return ", ".join(short[:NAMED]) + (f" and {len(short) - NAMED} more" if len(short) > NAMED else "")
