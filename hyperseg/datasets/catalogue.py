"""The catalogue of datasets (catalogue.yaml): addresses, sizes, checksums, licence and citation."""

from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hyperseg.errors import UserError


class Archive(BaseModel):
    """One file to download or, where `gated` says why, to be brought by the user."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    urls: tuple[Annotated[str, Field(pattern=r"^https?://")], ...] = ()
    bytes: int | None = Field(default=None, gt=0)
    size: str = "unknown size"
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    md5: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    gated: str | None = None
    remade: bool = False  # made by the host on demand: its bytes may change, so no hash of it is kept
    note: str | None = None

    @property
    def checksum(self) -> str | None:
        """The enforced checksum as ``algorithm:hex``, the strongest there is."""
        if self.sha256:
            return f"sha256:{self.sha256}"
        return f"md5:{self.md5}" if self.md5 else None


class Entry(BaseModel):
    """One dataset; `splits` lists the accepted image counts, one alternative per source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    homepage: str
    licence: str
    citation: str
    splits: tuple[dict[str, int], ...]
    archives: tuple[Archive, ...]
    downloads: str | None = Field(default=None, description="name of the download folder, default the dataset's id")
    alternative: str | None = None


def read_catalogue(own: Path | None = None) -> dict[str, Entry]:
    """The packaged catalogue; a file of the user's own adds to it.

    A mapping in `own` replaces the packaged value key by key; an archive of the same file name is changed, a new one
    appended, and `urls` given there come before the packaged ones. Raises UserError.
    """
    content = _read(
        resources.files("hyperseg.datasets").joinpath("catalogue.yaml").read_text(encoding="utf-8"), "catalogue"
    )
    if own is not None:
        try:
            text = own.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"cannot read the catalogue {own}: {error}; give a YAML file") from error
        content = {
            **content,
            **{name: _merged(content.get(name, {}), entry) for name, entry in _read(text, own).items()},
        }
    try:
        return {name: Entry.model_validate(entry) for name, entry in content.items()}
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"{own or 'the catalogue'} does not fit at {where}: {first['msg']}; correct it") from error


def entry_of(dataset: str, own: Path | None = None) -> Entry:
    """The entry of one dataset id; UserError lists the ids there are."""
    catalogue = read_catalogue(own)
    if dataset not in catalogue:
        raise UserError(f"the catalogue has no dataset {dataset!r}; it has {', '.join(catalogue)}")
    return catalogue[dataset]


def _read(text: str, name: object) -> dict[str, Any]:
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"{name} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict) or not all(isinstance(entry, dict) for entry in content.values()):
        raise UserError(f"{name} is not a mapping of dataset ids; see hyperseg/datasets/catalogue.yaml for the form")
    return content


def _merged(entry: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    archives = {archive["file"]: archive for archive in entry.get("archives", [])}
    for archive in own.get("archives", []):
        before = archives.get(archive.get("file"), {})
        urls = [*archive.get("urls", []), *before.get("urls", [])]
        archives[archive.get("file")] = {**before, **archive, "urls": urls}
    return {**entry, **own, "archives": list(archives.values())}
