"""One small file per step that stands for all code and package data that the step's results depend on.

Both engines depend on these files: Snakemake's rules as an input, DVC's stages as a dependency. A file is rewritten only
where its content changes, when the Snakefile is read, or by DVC's stage ``sources``: ``python -m
hyperseg.pipeline.digests CONFIG``.
"""

import json
import sys
from pathlib import Path
from typing import Any

from hyperseg.pipeline.campaign import Campaign, load_campaign
from hyperseg.pipeline.sources import Entry, find_sources
from hyperseg.files import write_text_atomic
from hyperseg.training.recipe import load_recipe

FOLDER = ".hyperseg/sources"

ENTRIES = {
    "streets": Entry("hyperseg.cli.data", "streets"),
    "train": Entry("hyperseg.cli.train"),
    "evaluate": Entry("hyperseg.cli.evaluate"),
    "latency": Entry("hyperseg.cli.latency"),
    "report": Entry("hyperseg.cli.report"),
}
SCORING = "hyperseg.evaluation"  # what a training needs only to choose its best epoch


def digest_file(campaign: str, step: str) -> str:
    """Where the digest of a step lies, relative to the repository root."""
    return f"{FOLDER}/{campaign}/{step}.json"


def step_entries(campaign: Campaign) -> dict[str, Entry]:
    """Where the code of each step begins; a training that keeps its last epoch needs no code to score one."""
    entries = dict(ENTRIES)
    if not _scored_at(campaign):
        entries["train"] = Entry("hyperseg.cli.train", without=(SCORING,))
    return entries


def write_digests(campaign: Campaign, root: Path = Path()) -> None:
    """Bring the digest files of a campaign up to date; what has not changed is not touched."""
    for step, entry in step_entries(campaign).items():
        content: dict[str, Any] = {"step": step, "sources": find_sources(entry).digest}
        if step == "train" and (scored := _scored_at(campaign)):
            content["scored_at"] = scored
        text = json.dumps(content, indent=1) + "\n"
        path = root / digest_file(campaign.campaign, step)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_text_atomic(path, text)


def _scored_at(campaign: Campaign) -> dict[str, tuple[int, int] | None]:
    """Variants whose best epoch is kept, and the input (height, width) at which they are scored; None: their own."""
    settings = campaign.training.model_dump()
    return {
        variant: campaign.evaluation.input_of(variant)
        for variant in campaign.variants
        if load_recipe(variant, settings).selection == "best"
    }


if __name__ == "__main__":
    write_digests(load_campaign(Path(sys.argv[1])))
