"""``hyperseg data prepare``: one published dataset, from archives or folders to the layout that every step reads."""

from pathlib import Path

from hyperseg.data.description import DatasetInfo
from hyperseg.data.prepared import PreparedDataset, open_dataset
from hyperseg.datasets.catalogue import catalogued
from hyperseg.datasets.intake import opened
from hyperseg.datasets.progress import counting_progress
from hyperseg.datasets.published import Preparation, Published
from hyperseg.datasets.published.published import UnknownColours
from hyperseg.datasets.sealing import seal
from hyperseg.datasets.staging import staged
from hyperseg.errors import UserError


def prepare_dataset(
    dataset: Published,
    source: Path,
    out: Path,
    unknown: UnknownColours,
    *,
    partial: bool,
    catalogue: Path | None,
) -> PreparedDataset:
    """Prepare `dataset` from `source` (an archive, a folder of archives, or a folder unpacked from them) as `out`.

    `out` appears whole or not at all. `partial` takes what there is of the dataset's images and says so in its title
    and notes. `catalogue` changes what is published of the dataset that the source turns out to be. Raises UserError.
    """
    prepare = dataset.preparer()
    if prepare is None:
        raise UserError(f"{dataset.id} is not prepared from a source; {_instead(dataset)}")
    with staged(out) as stage, counting_progress() as progress:
        # Beside the stage, hence on its file system: unpacked pictures are moved, not copied.
        with opened(source, dataset, stage.unpacked, progress) as intake:
            outcome = prepare(Preparation(dataset, intake, stage.folder, unknown, partial))
        found = catalogued(outcome.dataset, catalogue) if outcome.dataset else dataset
        notes = (*outcome.notes, *([_partial_note(stage.folder, found)] if partial else []))
        info = DatasetInfo(
            id=found.id,
            title=f"{found.title}, partial copy" if partial else found.title,
            classes=found.classes,
            void=found.void,
            unlabelled=found.unlabelled,
            licence=found.licence,
            citation=found.citation,
            source=outcome.source,
            notes=notes,
            partial=partial,
        )
        seal(stage.folder, info, found, source=source)
    return open_dataset(out)


def _partial_note(folder: Path, dataset: Published) -> str:
    there = {path.parent.name: len(list(path.iterdir())) for path in sorted(folder.glob("*/images"))}
    counts = ", ".join(f"{split} {count}" for split, count in there.items()) or "no image"
    whole = " or ".join(", ".join(f"{split} {count}" for split, count in splits.items()) for splits in dataset.splits)
    return f"A partial copy, {counts} of {whole}: its numbers do not compare with those of the whole dataset."


def _instead(dataset: Published) -> str:
    return f"make it with `{dataset.made_by}`" if dataset.made_by else "make it a folder and use `hyperseg data add`"
