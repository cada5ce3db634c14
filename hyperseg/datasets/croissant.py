"""Croissant metadata (mlcommons.org/croissant) of a prepared dataset, built and validated with mlcroissant."""

import json
import logging
from pathlib import Path
from typing import Any

from hyperseg.data.card import DatasetCard
from hyperseg.data.manifest import MANIFEST_FILE
from hyperseg.data.prepared import PreparedDataset
from hyperseg.errors import UserError
from hyperseg.files import sha256_file

_MEANING = {
    "images": "RGB picture",
    "labels": "index picture whose pixels are the place of a class in dataset.yaml, the void value, or 255 (ignored)",
}


def croissant_text(dataset: PreparedDataset, card: DatasetCard, homepage: str | None) -> str | None:
    """The metadata of `dataset` as JSON-LD, after mlcroissant has read it back without an error.

    Paths in it are relative to the dataset's folder. None where mlcroissant is not installed; UserError where it
    objects.
    """
    try:
        import mlcroissant as mlc
    except ImportError:
        return None
    # It recommends a date of publication, which a folder does not have: no warning of that kind reaches the terminal.
    logging.getLogger("absl").setLevel(logging.ERROR)
    try:
        metadata = _metadata(mlc, dataset, card, homepage)
        content = json.dumps(metadata.to_json(), indent=1, ensure_ascii=False, default=str)
        mlc.Dataset(jsonld=json.loads(content))
    except mlc.ValidationError as error:
        raise UserError(
            f"mlcroissant objects to the metadata of {dataset.id}: {' '.join(str(error).split())}"
        ) from error
    return content + "\n"


def _metadata(mlc: Any, dataset: PreparedDataset, card: DatasetCard, homepage: str | None) -> Any:
    files: list[Any] = [
        mlc.FileObject(
            id="manifest",
            name="manifest",
            description="sha256 and size of every file; its version names the dataset.",
            content_url=MANIFEST_FILE,
            encoding_formats=["application/json"],
            sha256=sha256_file(dataset.root / MANIFEST_FILE),
        )
    ]
    records = []
    for split in dataset.splits:
        kinds = ["images"] if split in dataset.info.unlabelled else ["images", "labels"]
        for kind in kinds:
            files.append(
                mlc.FileSet(
                    id=f"{split}-{kind}",
                    name=f"{split}-{kind}",
                    description=f"{kind} of the split {split}",
                    includes=f"{split}/{kind}/*",
                    encoding_formats=_formats(dataset, f"{split}/{kind}/"),
                )
            )
            records.append(_record_set(mlc, split, kind))
    return mlc.Metadata(
        name=dataset.id,
        description=f"{card.title}. {' '.join(card.notes)}".strip(),
        url=homepage,
        license=card.licence,
        cite_as=card.citation,
        version=f"0.0.0+{dataset.version[:12]}",
        distribution=files,
        record_sets=records,
    )


def _record_set(mlc: Any, split: str, kind: str) -> Any:
    """One record per file: its name without the suffix, and its picture.

    Images and labels are record sets of their own: mlcroissant 1.1 reads the labels for both where a join of two file
    sets asks for the content of each.
    """
    files, key = f"{split}-{kind}", f"{split}/{kind}"
    name = mlc.Source(
        file_set=files,
        extract=mlc.Extract(file_property=mlc.FileProperty.filename),
        transforms=[mlc.Transform(regex=r"^(.+)\.\w+$")],
    )
    content = mlc.Source(file_set=files, extract=mlc.Extract(file_property=mlc.FileProperty.content))
    return mlc.RecordSet(
        id=key,
        name=key,
        description=f"{_MEANING[kind]}; an image and its label have one name",
        key=f"{key}/name",
        fields=[
            mlc.Field(id=f"{key}/name", name="name", data_types=[mlc.DataType.TEXT], source=name),
            mlc.Field(id=f"{key}/picture", name="picture", data_types=[mlc.DataType.IMAGE_OBJECT], source=content),
        ],
    )


def _formats(dataset: PreparedDataset, prefix: str) -> list[str]:
    known = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
    suffixes = {Path(name).suffix.lower() for name in dataset.manifest.files if name.startswith(prefix)}
    return sorted({known.get(suffix, "application/octet-stream") for suffix in suffixes})
