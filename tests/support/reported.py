"""Collections of made-up records, and tables read back as a file's reader would."""

import csv
import io
from pathlib import Path

from record_factory import CAMVID, evaluation, machine, sha, write

from hyperseg.records import DatasetRef, Record
from hyperseg.report.collection import Collection, load
from hyperseg.report.tables.formats import to_csv
from hyperseg.report.tables.model import Table

AUTHORS = DatasetRef(id="camvid_authors12", version=sha("authors"), split="test", images=233)
GPU = machine(fingerprint="a" * 12, gpus=["NVIDIA GeForce GTX 1080 Ti"])


def collection(folder: Path, *records: Record) -> Collection:
    return load([write(folder, {f"{number:02d}.json": one for number, one in enumerate(records)})])


def rows(table: Table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(to_csv(table))))


def as_paper(miou: float, **changes: object) -> Record:
    """An evaluation that is the paper's measurement in every respect."""
    fields: dict[str, object] = {"dataset": AUTHORS, "hw": (576, 768), "classes": (*CAMVID, "Void")}
    return evaluation("camvid_hyperseg_s", "paper", miou, **(fields | changes))  # type: ignore[arg-type]


def of_a_library(record: Record) -> Record:
    """The record with its network from a library."""
    return record.model_copy(update={"network": record.network.model_copy(update={"source": "library 1.0"})})
