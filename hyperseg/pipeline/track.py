"""Let DVC remember a campaign: its dataset, weights, records and report, in the commit that is made next."""

import json
from pathlib import Path
from typing import Any

from hyperseg.errors import UserError
from hyperseg.files import write_text_atomic
from hyperseg.pipeline.campaign import Campaign, load_campaign
from hyperseg.pipeline.commands import call, reason, require_root
from hyperseg.pipeline.digests import write_digests
from hyperseg.pipeline.dvc_file import DEMO, dvc_file, dvc_text, plots_folder
from hyperseg.pipeline.lock import run_lock
from hyperseg.pipeline.steps import Layout
from hyperseg.records import EvaluationNumbers, TrainingNumbers, read_record
from hyperseg.yaml_file import read_yaml


def track(config: Path) -> list[Path]:
    """Write the campaign's dvc.yaml and record what its run has made; returns the files that git is to keep.

    Raises :class:`UserError` where a result is missing or DVC refuses.
    """
    require_root()
    campaign, file = load_campaign(config), dvc_file(config)
    layout = Layout.here(campaign)
    _refuse_links(layout.data, layout.runs, layout.report)
    with run_lock():
        for name in (layout.manifest, *layout.records(), *layout.strip_lists(), f"{layout.report}/index.html"):
            if not Path(name).is_file():
                raise UserError(f"{name} is not there yet; make it with `hyperseg run {config}`, then track it")
        write_digests(campaign)
        write_text_atomic(file, dvc_text(campaign, config))
        kept = [file, file.with_name("dvc.lock"), _write_plots(campaign, layout)]
        if dataset := dataset_file(campaign, config):
            _dvc("add", campaign.dataset.folder)
            kept += [dataset, dataset.with_name(".gitignore")]
        _dvc("commit", "--force", str(file))
    return [path for path in kept if path.exists()]


def _refuse_links(*folders: str) -> None:
    """Raise :class:`UserError` for a folder that a link puts elsewhere, which DVC takes up only half."""
    for folder in folders:
        if not Path(folder).resolve().is_relative_to(Path.cwd()):
            raise UserError(
                f"{folder} lies at {Path(folder).resolve()}, out of the repository, where DVC records nothing; "
                "put the folder in the link's place, or leave the campaign without DVC"
            )


def _write_plots(campaign: Campaign, layout: Layout) -> Path:
    """The plots' data, from the records; returns its folder."""
    folder = plots_folder(campaign)
    for variant in campaign.variants:
        for seed in campaign.seeds:
            run = Path(layout.seed.format(variant=variant, seed=seed))
            trained = read_record(run / "train.json").numbers
            assert isinstance(trained, TrainingNumbers)
            epochs = [{"epoch": point.epoch, "loss": point.loss} for point in trained.epochs]
            write_text_atomic(folder / f"{variant}-seed{seed}-train.json", json.dumps(epochs, indent=1) + "\n")
            for protocol in campaign.evaluation.protocols:
                scored = read_record(run / f"evaluation-{protocol}.json").numbers
                assert isinstance(scored, EvaluationNumbers)
                classes = [{"name": one.name, "iou_percent": one.iou_percent} for one in scored.classes]
                write_text_atomic(
                    folder / f"{variant}-seed{seed}-{protocol}.json", json.dumps(classes, indent=1) + "\n"
                )
    return folder


def dataset_file(campaign: Campaign, config: Path) -> Path | None:
    """The file that tells DVC of the campaign's dataset; None where a stage of the root's dvc.yaml makes it."""
    folder = campaign.dataset.folder
    if config == DEMO and campaign.dataset.streets:
        return None
    root: Any = read_yaml(Path("dvc.yaml"), "pipeline") if Path("dvc.yaml").is_file() else {}
    made = (root.get("stages") or {}).get("data") or {}
    return None if folder in made.get("outs", ()) else Path(f"{folder}.dvc")


def _dvc(*command: str) -> None:
    done = call("dvc", *command)
    if done.returncode:
        raise UserError(f"dvc {command[0]} failed: {reason(done)}; see `dvc doctor`")
