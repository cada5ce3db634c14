"""Take over recorded results in a fresh clone, or after going back to an older commit: nothing is computed again."""

import json
from pathlib import Path

from hyperseg.errors import UserError
from hyperseg.pipeline.campaign import load_campaign
from hyperseg.pipeline.commands import call, reason, require_root, touch
from hyperseg.pipeline.digests import write_digests
from hyperseg.pipeline.dvc_file import dvc_file
from hyperseg.pipeline.lock import run_lock
from hyperseg.pipeline.steps import Layout
from hyperseg.pipeline.track import dataset_file
from hyperseg.pipeline.trainings import remember


def adopt(config: Path, pull: bool = True) -> list[str]:
    """``dvc pull``, then, only if ``dvc status`` is clean, ``snakemake --touch --forceall``.

    Returns the latency records that this machine lacks: another machine's are kept, never passed off as ours. Raises
    :class:`UserError` where nothing was recorded, nothing can be pulled, or what came does not fit this checkout.
    """
    require_root()
    campaign, file = load_campaign(config), dvc_file(config)
    if not file.with_name("dvc.lock").is_file():
        raise UserError(
            f"there is no {file.with_name('dvc.lock')}, so no results of {config} were recorded in this commit; "
            f"make them with `hyperseg run {config}`"
        )
    dataset = dataset_file(campaign, config)
    targets = [str(path) for path in (file, dataset) if path is not None]
    with run_lock():
        if pull:
            done = call("dvc", "pull", *targets)
            if done.returncode:
                raise UserError(
                    f"dvc pull did not bring the recorded results: {reason(done)}; run `dvc push` where they were "
                    "made, or see `dvc remote list`"
                )
        write_digests(campaign)
        _refuse_stale(targets, config)
        layout = Layout.here(campaign)
        missing = [record for record in layout.all_latencies() if not Path(record).is_file()]
        done = touch(config)
        if done.returncode:
            raise UserError(
                f"snakemake could not take the results over: {reason(done)}; `hyperseg run {config}` makes them anew"
            )
        remember(layout)
    return missing


def _refuse_stale(targets: list[str], config: Path) -> None:
    done = call("dvc", "status", "--json", *targets)
    if done.returncode:
        raise UserError(f"dvc status failed: {reason(done)}; see `dvc doctor`")
    stale = json.loads(done.stdout or "{}")
    if stale:
        named = ", ".join(list(stale)[:5]) + (f" and {len(stale) - 5} more" if len(stale) > 5 else "")
        raise UserError(
            f"the recorded results do not fit this checkout ({named}); check out the commit that they belong to, "
            f"or bring them up to date with `hyperseg run {config}`"
        )
