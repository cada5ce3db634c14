"""Several campaigns under one command, for example one for each dataset.

All are checked, each alone and beside the others, before the first step of the first one.
"""

from collections.abc import Sequence
from pathlib import Path

from hyperseg.errors import UserError
from hyperseg.pipeline.campaign import Dataset
from hyperseg.pipeline.profile import Profile
from hyperseg.pipeline.run import HERE, Ready, prepare
from hyperseg.pipeline.steps import Layout

LONGEST = 200  # characters of a folder's name


def prepare_all(
    configs: Sequence[Path], *, cores: int | None = None, source: Path | None = None, profile: Profile = HERE
) -> list[Ready]:
    """Load and check every campaign. Raises :class:`UserError` for one that is not sound, or that does not go with
    another: of the same name, another dataset in the same folder, or a `source` that could be of either.
    """
    ready = [prepare(config, cores=cores, source=source, profile=profile) for config in configs]
    refuse_clashes([(one.config, one.layout) for one in ready])
    wanted = sorted({one.layout.campaign.dataset.id for one in ready if _to_prepare(one.layout)})
    if source is not None and len(wanted) > 1:
        raise UserError(
            f"--source {source} holds one dataset, and {' and '.join(wanted)} are still to be prepared; run one "
            f"campaign of each alone first, with its own --source"
        )
    return ready


def refuse_clashes(campaigns: Sequence[tuple[Path, Layout]]) -> None:
    """Raise :class:`UserError` for two configurations whose results or datasets would take each other's place."""
    names: dict[str, Path] = {}
    folders: dict[str, tuple[Path, Dataset]] = {}
    for config, layout in campaigns:
        name, dataset = layout.campaign.campaign, layout.campaign.dataset
        if names.get(name) == config:
            raise UserError(f"{config} is named twice; name it once")
        if name in names:
            raise UserError(
                f"{names[name]} and {config} are both the campaign '{name}', whose results lie in one folder; "
                f"name one of them, or give the other another name"
            )
        names[name] = config
        first, held = folders.setdefault(dataset.folder, (config, dataset))
        if held != dataset:
            raise UserError(
                f"{first} and {config} put different datasets into {dataset.folder}; give one another dataset.folder"
            )


def joint_report(layouts: Sequence[Layout]) -> Path:
    """The folder of the report over several campaigns: their names joined by '+', which no name of one holds."""
    names = [layout.campaign.campaign for layout in layouts]
    name = "+".join(names)
    return Path("reports", name if len(name) <= LONGEST else f"{names[0]}+{len(names) - 1}_more")


def _to_prepare(layout: Layout) -> bool:
    """Whether the campaign's dataset is still to be prepared from a published one's files."""
    return layout.campaign.dataset.streets is None and not Path(layout.manifest).is_file()
