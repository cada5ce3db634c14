"""dataset.yaml: the description of a prepared dataset."""

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, ValidationError, model_validator

from hyperseg.errors import UserError
from hyperseg.files import write_text_atomic
from hyperseg.strict import HandWritten, first_problem
from hyperseg.yaml_file import read_yaml

DATASET_FILE = "dataset.yaml"
IGNORED = 255  # the label value that no loss and no metric counts, in every dataset
MAX_CLASSES = 254  # as a class of its own void is 254, and 255 is ignored

Channel = Annotated[int, Field(ge=0, le=255)]


class ClassInfo(HandWritten):
    """One class; its index is its place in the list. `colour` is RGB, for pictures."""

    name: str = Field(min_length=1)
    colour: tuple[Channel, Channel, Channel]


class DatasetInfo(HandWritten):
    """The contents of dataset.yaml."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    title: str = Field(min_length=1)
    classes: tuple[ClassInfo, ...] = Field(min_length=1, max_length=MAX_CLASSES)
    void: Annotated[int, Field(ge=0, le=255)] | None = None  # the label value that means "no class"; see label_values
    unlabelled: tuple[str, ...] = ()  # splits whose labels are withheld
    licence: str
    citation: str
    source: str
    notes: tuple[str, ...] = ()  # what a reader of numbers made from it should know
    partial: bool = False  # only some of a published dataset's images

    @model_validator(mode="after")
    def _sound(self) -> "DatasetInfo":
        names = [entry.name for entry in self.classes]
        if len(set(names)) < len(names):
            raise ValueError(f"class {next(n for n in names if names.count(n) > 1)!r} is listed twice")
        if self.void and self.void < len(self.classes):
            raise ValueError(f"void is {self.void}, which is the index of class {names[self.void]!r}")
        for name in names:
            if not name.isprintable() or not name.strip():
                raise ValueError(f"{name!r:.80} is no name of a class; give one line of text")
        for text in (self.title, self.licence, self.citation, self.source, *self.notes):
            if not text.replace("\n", " ").isprintable():
                raise ValueError(f"{text!r:.80} holds a control character, which a terminal would obey; remove it")
        return self

    @property
    def label_values(self) -> tuple[int, ...]:
        """The label value of each class: its index, or its index + 1 where 0 is void, as ADE20K has it."""
        first = 1 if self.void == 0 else 0
        return tuple(range(first, first + len(self.classes)))


def read_info(root: Path) -> DatasetInfo:
    """Read and check ``root/dataset.yaml``."""
    path = root / DATASET_FILE
    if not root.is_dir():
        raise UserError(f"there is no dataset folder {root}; make it with `hyperseg data` first")
    if not path.is_file():
        raise UserError(
            f"{root} is not a prepared dataset: it has no {DATASET_FILE}; make it with `hyperseg data prepare`, "
            "`streets` or `add`"
        )
    return parse_info(read_yaml(path, "description"), path)


def parse_info(content: object, path: Path) -> DatasetInfo:
    """Validate the content of a dataset.yaml read from `path`; a UserError names the field that does not fit."""
    try:
        return DatasetInfo.model_validate(content)
    except ValidationError as error:
        key, message = first_problem(error)
        remedy = "" if ";" in message else "; correct it"
        raise UserError(f"{path} does not describe a dataset at {key or 'the file'}: {message}{remedy}") from error


def write_info(root: Path, info: DatasetInfo) -> None:
    """Write dataset.yaml; same bytes for the same content."""
    write_text_atomic(root / DATASET_FILE, info_text(info))


def info_text(info: DatasetInfo) -> str:
    """The text of dataset.yaml."""
    content = info.model_dump(mode="json")
    content["classes"] = [{"name": entry.name, "colour": list(entry.colour)} for entry in info.classes]
    if not info.partial:  # descriptions written before this field existed keep their bytes
        del content["partial"]
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)
