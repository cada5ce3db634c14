"""The dvc.yaml of a campaign: one stage per kind of step, with the deps, params and outs of its rule.

DVC remembers what Snakemake made, so a stage's command is the engine itself. The file is made from the configuration,
checked before, and holds names alone: DVC hands commands to a shell, and nothing that it reads later gets into one.
"""

import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from hyperseg.errors import UserError
from hyperseg.pipeline.campaign import Campaign
from hyperseg.pipeline.digests import FOLDER
from hyperseg.pipeline.steps import PAPER, PEERS

DEMO = Path("config/demo.yaml")  # the campaign of the dvc.yaml in the repository's root
HEAD = """\
# Made by `hyperseg track {config}`: what DVC remembers of that campaign, whose jobs Snakemake runs.
# After a change of the campaign's variants, seeds or protocols, the same command makes it anew.
"""


def dvc_file(config: Path) -> Path:
    """Where the dvc.yaml of a configuration lies, relative to the repository's root.

    Raises :class:`UserError` for a configuration elsewhere than in ``config/``, or of a name that a shell would read.
    """
    if not re.fullmatch(r"config/[A-Za-z0-9_][A-Za-z0-9_.-]*\.yaml", config.as_posix()):
        raise UserError(
            f"DVC is told of configurations config/NAME.yaml alone; move {config} there, under a plain name"
        )
    return Path("dvc.yaml") if config == DEMO else Path("tracked") / config.stem / "dvc.yaml"


def dvc_text(campaign: Campaign, config: Path) -> str:
    """The content of that file; the demo's generated dataset is made by a stage, any other one is added to DVC."""
    up = "../" * (len(dvc_file(config).parts) - 1)
    runs, report = f"results/runs/{campaign.campaign}", f"reports/{campaign.campaign}"
    sources = f"{FOLDER}/{campaign.campaign}"
    seed = f"{runs}/${{item.variant}}/seed${{item.seed}}"
    manifest = f"{campaign.dataset.folder}/manifest.json"
    variants, seeds = campaign.variants, campaign.seeds

    def stage(target: str, params: list[str], deps: list[str], outs: list[Any], **matrix: list[Any]) -> dict[str, Any]:
        return {
            **({"wdir": up.rstrip("/")} if up else {}),
            **({"matrix": {key: list(values) for key, values in matrix.items()}} if matrix else {}),
            "cmd": target if " " in target else f"snakemake --configfile {config} -- {target}",
            "params": [{str(config): params}],
            "deps": deps,
            "outs": outs,
        }

    stages = {
        "sources": stage(
            f"python -m hyperseg.pipeline.digests {config}",
            ["variants", "dataset", *_written(campaign, "training"), "evaluation", "latency"],
            ["hyperseg"],
            [sources],
        ),
    }
    if config == DEMO and campaign.dataset.streets:
        stages["data"] = stage("dataset", ["dataset"], [f"{sources}/streets.json"], [campaign.dataset.folder])
    stages["train"] = stage(
        f"{seed}/train.json",
        [*_written(campaign, "training"), *_written(campaign.threads, "train", of="threads")],
        [f"{sources}/train/${{item.variant}}.json", manifest],
        [f"{seed}/weights.safetensors", f"{seed}/train.json"],
        variant=variants,
        seed=seeds,
    )
    stages["evaluate"] = stage(
        f"{seed}/evaluation-${{item.protocol}}.json",
        [
            *_written(campaign.evaluation, "split", "input_hw", of="evaluation"),
            *_written(campaign.threads, "evaluate", of="threads"),
        ],
        [f"{sources}/evaluate/${{item.protocol}}.json", manifest, f"{seed}/weights.safetensors", f"{seed}/train.json"],
        [f"{seed}/evaluation-${{item.protocol}}.json", f"{seed}/evaluation-${{item.protocol}}.npz"],
        variant=variants,
        seed=seeds,
        protocol=campaign.evaluation.protocols,
    )
    # A latency taken elsewhere is never passed off as this machine's: the records lie under the machine's fingerprint,
    # and the persistent marker keeps the stage out of DVC's run cache (DVC caches no run with a persistent output). The
    # marker says nothing itself, so it cannot record an old result as a new one.
    first = f"{runs}/${{item.variant}}/seed{seeds[0]}"
    stages["latency"] = stage(
        f"{runs}/${{item.variant}}/latency.done",
        ["latency"],
        [f"{sources}/latency", f"{first}/weights.safetensors", f"{first}/train.json"],
        [f"{runs}/${{item.variant}}/latency", {f"{runs}/${{item.variant}}/latency.done": {"persist": True}}],
        variant=variants,
    )
    stages["report"] = stage(
        f"{report}/index.html",
        ["report"],
        [f"{sources}/report.json", f"{campaign.dataset.folder}/card.json", PAPER, *PEERS, runs],
        [report],
    )
    return HEAD.format(config=config) + yaml.safe_dump(
        {"stages": stages, "metrics": [f"{up}{report}/metrics.json"], "plots": _plots(campaign, up)},
        sort_keys=False,
        width=200,
    )


def _written(section: BaseModel, *keys: str, of: str = "") -> list[str]:
    """Those of the keys that the configuration holds: DVC takes one that is missing for a change."""
    return [f"{of}.{key}" if of else key for key in keys if key in section.model_fields_set]


def plots_folder(campaign: Campaign) -> Path:
    """Where the data of a campaign's plots lies, for git to keep: DVC cannot read them from records."""
    return Path("tracked") / campaign.campaign / "plots"


def _plots(campaign: Campaign, up: str) -> list[dict[str, Any]]:
    """Curves of every training, and the IoU of every class, for ``dvc plots show`` and ``diff``."""
    folder = f"{up}{plots_folder(campaign)}"
    runs = [f"{folder}/{variant}-seed{seed}" for variant in campaign.variants for seed in campaign.seeds]
    loss = {"x": "epoch", "y": {f"{run}-train.json": "loss" for run in runs}}
    plots: list[dict[str, Any]] = [{"Training loss": loss}]
    for protocol in campaign.evaluation.protocols:
        files = [f"{run}-{protocol}.json" for run in runs]
        bars = {
            "template": "bar_horizontal",
            "x": dict.fromkeys(files, "iou_percent"),
            "y": dict.fromkeys(files, "name"),
        }
        plots.append({f"IoU by class, {protocol}": bars})
    return plots
