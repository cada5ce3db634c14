"""The dvc.yaml of a campaign: one stage per kind of step, with the deps and outs of its rule.

DVC remembers what Snakemake made, so a stage's command is the engine itself. The file is made from the configuration,
checked before, and holds names alone: DVC hands commands to a shell, and nothing that it reads later gets into one.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from hyperseg.errors import UserError
from hyperseg.pipeline.campaign import Campaign
from hyperseg.pipeline.digests import FOLDER, settings_file
from hyperseg.pipeline.steps import PAPER, PEERS
from hyperseg.records.strips import STRIPS_FILE
from hyperseg.yaml_file import read_yaml

STAGES = ("sources", "data", "train", "evaluate", "latency", "strips", "report")
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

    def stage(
        step: str, target: str, deps: list[str], outs: list[Any], options: str = "", **matrix: list[Any]
    ) -> dict[str, Any]:
        return {
            **({"wdir": up.rstrip("/")} if up else {}),
            **({"matrix": {key: list(values) for key, values in matrix.items()}} if matrix else {}),
            "cmd": f"snakemake --configfile {config} {options}-- {target}",
            "deps": [settings_file(campaign.campaign, step), *deps],
            "outs": outs,
        }

    # The one stage that reads the configuration: DVC shows and compares its values, and the others depend on what this
    # one writes of them.
    stages = {
        "sources": {
            **({"wdir": up.rstrip("/")} if up else {}),
            "cmd": f"python -m hyperseg.pipeline.digests {config}",
            "params": [{str(config): [key for key in Campaign.model_fields if key in campaign.model_fields_set]}],
            "deps": ["hyperseg"],
            "outs": [sources],
        },
    }
    if config == DEMO and campaign.dataset.streets:
        stages["data"] = stage("data", "dataset", [f"{sources}/streets.json"], [campaign.dataset.folder])
    stages["train"] = stage(
        "train",
        f"{seed}/train.json",
        [f"{sources}/train/${{item.variant}}.json", manifest],
        [f"{seed}/weights.safetensors", f"{seed}/train.json"],
        variant=variants,
        seed=seeds,
    )
    stages["evaluate"] = stage(
        "evaluate",
        f"{seed}/evaluation-${{item.protocol}}.json",
        [f"{sources}/evaluate/${{item.protocol}}.json", manifest, f"{seed}/weights.safetensors", f"{seed}/train.json"],
        [f"{seed}/evaluation-${{item.protocol}}.json", f"{seed}/evaluation-${{item.protocol}}.npz"],
        variant=variants,
        seed=seeds,
        protocol=campaign.evaluation.protocols,
    )
    # A latency taken elsewhere is never passed off as this machine's: the records lie under the machine's fingerprint,
    # and the persistent marker keeps the stage out of DVC's run cache (DVC caches no run with a persistent output). The
    # marker says nothing itself, so it cannot record an old result as a new one. Made anew each time, since it outlives
    # records that DVC has removed, and Snakemake asks for no input of what is up to date.
    stages["latency"] = stage(
        "latency",
        f"{seed}/latency.done",
        [f"{sources}/latency", f"{seed}/weights.safetensors", f"{seed}/train.json"],
        [f"{seed}/latency", {f"{seed}/latency.done": {"persist": True}}],
        options="--forcerun latencies ",
        variant=variants,
        seed=campaign.timed_seeds,
    )
    if campaign.report.strips:
        first = f"{runs}/${{item.variant}}/seed{seeds[0]}"
        scored = f"{first}/evaluation-{campaign.strips_protocol}"
        stages["strips"] = stage(
            "strips",
            f"{first}/strips/{STRIPS_FILE}",
            [
                f"{sources}/strips.json", manifest, f"{first}/weights.safetensors",
                f"{scored}.json", f"{scored}.npz",
            ],
            [f"{first}/strips"],
            variant=variants,
        )  # fmt: skip
    stages["report"] = stage(
        "report",
        f"{report}/index.html",
        [f"{sources}/report.json", f"{campaign.dataset.folder}/card.json", PAPER, *PEERS, runs],
        [report],
    )
    return HEAD.format(config=config) + yaml.safe_dump(
        {"stages": stages, "metrics": [f"{up}{report}/metrics.json"], "plots": _plots(campaign, up)},
        sort_keys=False,
        width=200,
    )


def check_stages(campaign: Campaign, config: Path) -> None:
    """Raise :class:`UserError` if dvc.yaml lacks stages of the campaign; DVC itself would not notice."""
    file = dvc_file(config)
    there = (read_yaml(file, "pipeline") or {}).get("stages") or {}
    wanted = yaml.safe_load(dvc_text(campaign, config))["stages"]
    differing = [name for name in STAGES if there.get(name) != wanted.get(name)]
    if differing:
        raise UserError(
            f"{config} has changed since {file} was made, whose stages {', '.join(differing)} are not its own; "
            f"bring the campaign up to date with `hyperseg run {config}`, then DVC with `hyperseg track {config}`"
        )


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
