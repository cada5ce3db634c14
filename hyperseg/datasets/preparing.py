"""``hyperseg data prepare``: one published dataset, from archives or folders to the layout that every step reads."""

import tempfile
from pathlib import Path

from hyperseg.data.description import DatasetInfo
from hyperseg.datasets.intake import opened
from hyperseg.datasets.progress import counting_progress
from hyperseg.datasets.published import Preparation, Published
from hyperseg.datasets.published.published import UnknownColours
from hyperseg.datasets.sealing import seal
from hyperseg.datasets.staging import staged_folder
from hyperseg.errors import UserError


def prepare_dataset(dataset: Published, source: Path, out: Path, unknown: UnknownColours = "refuse") -> DatasetInfo:
    """Prepare `dataset` from `source` (an archive, a folder of archives, or a folder unpacked from them) as `out`.

    `out` appears whole or not at all. Raises UserError.
    """
    if dataset.prepare is None:
        raise UserError(f"{dataset.id} is not prepared from a source; {_instead(dataset)}")
    with staged_folder(out) as stage, counting_progress() as progress:
        # Beside the stage, hence on its file system: unpacked pictures are moved, not copied.
        scratch = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}.unpacked."))
        with opened(source, dataset.archives, scratch, progress) as intake:
            outcome = dataset.prepare(Preparation(dataset, intake, stage, unknown))
        found = outcome.dataset or dataset
        info = DatasetInfo(
            id=found.id,
            title=found.title,
            classes=found.classes,
            void=found.void,
            unlabelled=found.unlabelled,
            licence=found.licence,
            citation=found.citation,
            source=outcome.source,
            notes=outcome.notes,
        )
        seal(stage, info, found)
        return info


def _instead(dataset: Published) -> str:
    return f"make it with `{dataset.made_by}`" if dataset.made_by else "make it a folder and use `hyperseg data add`"
