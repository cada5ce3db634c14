"""What a published dataset's file says: where it comes from, what it holds, and how protocols read it."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from hyperseg.data.description import ClassInfo
from hyperseg.data.reading import Reading
from hyperseg.strict import StrictModel

if TYPE_CHECKING:
    from hyperseg.datasets.intake import Intake

UnknownColours = Literal["refuse", "ignore"]


class Archive(StrictModel):
    """One file to download or, where `gated` says why, to be brought by the user."""

    file: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    urls: tuple[Annotated[str, Field(pattern=r"^https?://")], ...] = Field(default=(), description="tried in turn")
    bytes: int | None = Field(default=None, gt=0, description="exact size where it is published; enforced")
    size: str = Field(default="unknown size", description="about, as the source states it")
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(default=None, description="enforced")
    md5: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = Field(default=None, description="enforced")
    gated: str | None = Field(default=None, description="why only the user can fetch it")
    remade: bool = Field(default=False, description="made by the host on demand: its hash may change and is not kept")
    note: str | None = None

    @property
    def checksum(self) -> str | None:
        """The enforced checksum as ``algorithm:hex``, the strongest there is."""
        if self.sha256:
            return f"sha256:{self.sha256}"
        return f"md5:{self.md5}" if self.md5 else None


class Published(StrictModel):
    """One published dataset; a file of this folder defines one as ``DATASET``."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="the name of its file")
    title: str
    short_title: str = Field(description="for a table or a figure")
    homepage: str | None = None
    licence: str
    citation: str
    classes: tuple[ClassInfo, ...] = Field(description="the classes that its authors score, in order of their index")
    void: int | None = Field(default=None, description="the label value that means 'no class'")
    unlabelled: tuple[str, ...] = Field(default=(), description="splits whose labels are withheld")
    splits: tuple[dict[str, int], ...] = Field(default=(), description="images per split; alternatives where several")
    sizes: tuple[str, ...] = Field(default=(), description="'<width>x<height>' of its images; empty: they vary")
    archives: tuple[Archive, ...] = ()
    downloads: str | None = Field(default=None, description="name of its download folder where it is not the id")
    alternative: str | None = Field(default=None, description="another source, in words")
    unpacked_files: int = Field(default=100_000, description="bound on the files of one archive; more is refused")
    unpacked_bytes: int = Field(default=4 << 30, description="bound on the bytes of one archive, packed or unpacked")
    made_by: str | None = Field(default=None, description="the command that generates it, where nothing is downloaded")
    readings: dict[str, Reading] = Field(default={}, description="per protocol id, where not the protocol's default")
    unscored: dict[str, str] = Field(
        default={}, description="per protocol id that must not score it: why, and the remedy"
    )
    prepare: Callable[["Preparation"], "Outcome"] | str | None = Field(
        default=None, exclude=True, description="a function, or where it is, as 'package.module:function'"
    )
    hashes: Callable[[], dict[PurePosixPath, str]] | str | None = Field(
        default=None, exclude=True, description="likewise: published sha256 by prepared path, for `verify`"
    )

    @property
    def folder(self) -> str:
        """Name of its folder below the downloads."""
        return self.downloads or self.id

    def preparer(self) -> Callable[["Preparation"], "Outcome"] | None:
        """The function that prepares it, imported now where it is named."""
        return _function(self.prepare) if isinstance(self.prepare, str) else self.prepare

    def published_hashes(self) -> dict[PurePosixPath, str]:
        """Published sha256 of files by their path in the prepared folder; empty where none are known."""
        find = _function(self.hashes) if isinstance(self.hashes, str) else self.hashes
        return find() if find else {}


def _function(place: str) -> Callable[..., Any]:
    module, _, name = place.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found


@dataclass(frozen=True)
class Preparation:
    """What `prepare` is given: it fills `out` with ``<split>/images`` and ``<split>/labels``."""

    dataset: Published
    intake: "Intake"
    out: Path
    unknown_colours: UnknownColours = "refuse"
    partial: bool = False  # images without a label, and labels without an image, are left out


@dataclass(frozen=True)
class Outcome:
    """What `prepare` found: the source in words, notes, and the id of the dataset where it is another."""

    source: str
    notes: tuple[str, ...] = ()
    dataset: str | None = None
