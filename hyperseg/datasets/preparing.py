"""``hyperseg data prepare``: one published dataset, from archives or folders to the layout that every step reads."""

import tempfile
from pathlib import Path

from hyperseg.data.description import DatasetInfo
from hyperseg.datasets import camvid, camvid_segnet, cityscapes, voc2012
from hyperseg.datasets.camvid import UnknownColours
from hyperseg.datasets.catalogue import Entry
from hyperseg.datasets.intake import Intake, opened
from hyperseg.datasets.progress import counting_progress
from hyperseg.datasets.sealing import seal
from hyperseg.datasets.staging import staged_folder
from hyperseg.errors import UserError

DATASETS = ("camvid", "camvid_authors12", "camvid_segnet", "cityscapes", "voc2012")


def prepare_dataset(
    dataset: str, entry: Entry, source: Path, out: Path, unknown: UnknownColours = "refuse"
) -> DatasetInfo:
    """Prepare `dataset` from `source` (an archive, a folder of archives, or a folder unpacked from them) as `out`.

    `out` appears whole or not at all. Raises UserError.
    """
    with staged_folder(out) as stage, counting_progress() as progress:
        # Beside the stage, hence on its file system: unpacked pictures are moved, not copied.
        scratch = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}.unpacked."))
        with opened(source, entry.archives, scratch, progress) as intake:
            info = _prepare(dataset, entry, intake, stage, unknown)
        seal(stage, info, entry)
        return info


def _prepare(dataset: str, entry: Entry, intake: Intake, stage: Path, unknown: UnknownColours) -> DatasetInfo:
    if dataset in {"camvid", "camvid_authors12"}:
        return camvid.prepare(dataset, entry, intake, stage, unknown)
    if dataset == "camvid_segnet":
        return camvid_segnet.prepare(entry, intake, stage)
    if dataset == "cityscapes":
        return cityscapes.prepare(entry, intake, stage)
    if dataset == "voc2012":
        return voc2012.prepare(entry, intake, stage)
    raise UserError(f"there is no way to prepare {dataset!r}; choose one of {', '.join(DATASETS)}")
