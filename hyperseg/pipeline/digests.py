"""Digest files: small files that stand for the code and package data a step's results depend on.

Snakemake's rules have one as an input, DVC's stages as a dependency. They are written when the Snakefile is read, or by
DVC's stage ``sources`` (``python -m hyperseg.pipeline.digests CONFIG``), and only where their content changes. Every
job on a cluster reads the Snakefile, so the package's text is read again only where one of its files has changed.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from hyperseg.errors import UserError
from hyperseg.files import write_text_atomic
from hyperseg.pipeline.campaign import Campaign, load_campaign
from hyperseg.pipeline.lock import run_lock
from hyperseg.pipeline.sources import PACKAGE, Entry, digest_of, find_sources
from hyperseg.training.recipe import Recipe, load_recipe

FOLDER = ".hyperseg/sources"
SEEN = ".hyperseg/seen"  # the digests of the last time, one file per campaign
SCORING = "hyperseg.evaluation"  # needed by a training only to score its epochs
PUBLISHED = "hyperseg.datasets.published"  # evaluations and reports read its titles and readings


def digest_file(campaign: str, step: str, *names: str) -> str:
    """Where the digest of a job lies, relative to the repository root; `names` are its variant, protocol, engine."""
    return f"{FOLDER}/{campaign}/{'/'.join([step, *filter(None, ['-'.join(names)])])}.json"


def write_digests(campaign: Campaign) -> None:
    """Bring the digest files of a campaign up to date; what has not changed is not touched."""
    current = current_digests(campaign) | settings(campaign)
    wanted = {Path(name): json.dumps(content, indent=1) + "\n" for name, content in current.items()}
    for path, text in wanted.items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_text_atomic(path, text)
    for path in set(Path(FOLDER, campaign.campaign).rglob("*.json")) - set(wanted):
        path.unlink(missing_ok=True)  # of a variant or a protocol that the campaign no longer has


def settings_file(campaign: str, step: str) -> str:
    """Where the configuration of a step lies for DVC, relative to the repository root.

    A stage could name the keys of the configuration itself, but DVC reads that file again for every job.
    """
    return f"{FOLDER}/{campaign}/settings/{step}.json"


def settings(campaign: Campaign) -> dict[str, dict[str, Any]]:
    """What each step reads of the configuration, by the file that holds it for DVC."""
    values = campaign.model_dump(mode="json")
    read = {
        "data": values["dataset"],
        "train": {"training": values["training"], "threads": values["threads"]["train"]},
        "evaluate": {
            **{key: values["evaluation"][key] for key in ("split", "input_hw")},
            "threads": values["threads"]["evaluate"],
        },
        "latency": {key: value for key, value in values["latency"].items() if key != "seeds"},  # names stages alone
        "report": {"title": values["report"]["title"]},
    }
    if campaign.report.strips:
        read["strips"] = read["evaluate"] | {"strips": campaign.report.strips}
    return {settings_file(campaign.campaign, step): content for step, content in read.items()}


def current_digests(campaign: Campaign) -> dict[str, dict[str, Any]]:
    """:func:`digests` of this package, cached while no file changes its size or time."""
    seen = Path(SEEN, f"{campaign.campaign}.json")
    looked = [campaign.model_dump_json(), str(PACKAGE), *_stamps(PACKAGE)]
    key = hashlib.sha256("\n".join(looked).encode()).hexdigest()
    try:
        kept = json.loads(seen.read_text(encoding="utf-8"))
        if kept["key"] == key:
            return dict(kept["digests"])
    except (OSError, ValueError, KeyError, TypeError):  # none yet, or a damaged one
        pass
    found = digests(campaign)
    write_text_atomic(seen, json.dumps({"key": key, "digests": found}))
    return found


def _stamps(package: Path) -> list[str]:
    """Name, size and time of every file of a package."""
    files = sorted(path for path in package.rglob("*") if path.suffix != ".pyc" and path.is_file())
    return [f"{path} {(stat := path.stat()).st_size} {stat.st_mtime_ns}" for path in files]


def digests(campaign: Campaign, package: Path = PACKAGE) -> dict[str, dict[str, Any]]:
    """The content of each digest file: what a job depends on beside its input files and the configuration's values."""
    found: dict[str, dict[str, Any]] = {}
    dataset = campaign.dataset.id

    def add(step: str, names: tuple[str, ...], entry: Entry, **more: Any) -> None:
        content = {"step": step, "for": list(names), "sources": digest_of(find_sources(entry, package))}
        found[digest_file(campaign.campaign, step, *names)] = content | more

    add("streets", (), Entry("hyperseg.cli.data", "streets", ("streets",)))
    settings = campaign.training.model_dump()
    for variant in campaign.variants:
        chosen = (variant, dataset)
        if _may_score(load_recipe(variant, settings), settings, dataset):
            entry = Entry("hyperseg.cli.train", chosen=(*chosen, "selection"), tables=(PUBLISHED,))
            add("train", (variant,), entry, scored_at=campaign.evaluation.input_of(variant))
        else:
            entry = Entry("hyperseg.cli.train", chosen=chosen, tables=(PUBLISHED,), without=(SCORING,))
            add("train", (variant,), entry)
    for protocol in campaign.evaluation.protocols:
        entry = Entry("hyperseg.cli.evaluate", chosen=(protocol, dataset), tables=(PUBLISHED,))
        add("evaluate", (protocol,), entry)
    if campaign.report.strips:
        entry = Entry("hyperseg.cli.overlay", chosen=(campaign.strips_protocol, dataset), tables=(PUBLISHED,))
        add("strips", (), entry)
    for protocol in campaign.latency.protocols:
        for engine in campaign.latency.all_engines:
            entry = Entry("hyperseg.cli.latency", chosen=(protocol, engine), tables=(PUBLISHED,))
            add("latency", (protocol, engine), entry)
    add("report", (), Entry("hyperseg.cli.report", tables=(PUBLISHED,)))
    return found


def _may_score(recipe: Recipe, settings: dict[str, Any], dataset: str) -> bool:
    """Whether a training scores its epochs, or will where a dataset of the user's own turns out to have a `val`."""
    return recipe.scored_split is not None or (dataset not in recipe.datasets and "selection" not in settings)


def _stage(config: Path) -> None:
    """DVC's stage ``sources``, before all others.

    Refused during a run, and after one that DVC was not told of: DVC would remove the results to make them itself.
    """
    from hyperseg.pipeline.dvc_file import check_stages  # which needs this module
    from hyperseg.pipeline.steps import Layout
    from hyperseg.pipeline.trainings import refuse_unrecorded

    campaign = load_campaign(config)
    check_stages(campaign, config)
    with run_lock():
        refuse_unrecorded(Layout.here(campaign), config)
        write_digests(campaign)


if __name__ == "__main__":
    try:
        _stage(Path(sys.argv[1]))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
