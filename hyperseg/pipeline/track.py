"""Let DVC remember a campaign: its dataset, weights, records and report, in the commit that is made next."""

from pathlib import Path
from typing import Any

from hyperseg.errors import UserError
from hyperseg.files import write_text_atomic
from hyperseg.pipeline.campaign import Campaign, load_campaign
from hyperseg.pipeline.commands import call, reason, require_root
from hyperseg.pipeline.digests import write_digests
from hyperseg.pipeline.dvc_file import DEMO, dvc_file, dvc_text
from hyperseg.pipeline.lock import run_lock
from hyperseg.pipeline.steps import Layout
from hyperseg.yaml_file import read_yaml


def track(config: Path) -> list[Path]:
    """Write the campaign's dvc.yaml and record what its run has made; returns the files that git is to keep.

    Raises :class:`UserError` where a result is missing or DVC refuses.
    """
    require_root()
    campaign, file = load_campaign(config), dvc_file(config)
    layout = Layout.here(campaign)
    with run_lock():
        for name in (layout.manifest, *layout.records(), f"{layout.report}/index.html"):
            if not Path(name).is_file():
                raise UserError(f"{name} is not there yet; make it with `hyperseg run {config}`, then track it")
        write_digests(campaign)
        write_text_atomic(file, dvc_text(campaign, config))
        kept = [file, file.with_name("dvc.lock")]
        if dataset := dataset_file(campaign, config):
            _dvc("add", "--quiet", campaign.dataset.folder)
            kept += [dataset, dataset.with_name(".gitignore")]
        _dvc("commit", "--quiet", "--force", str(file))
    return [path for path in kept if path.is_file()]


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
