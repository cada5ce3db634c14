"""A campaign's configuration: which variants, seeds, protocols, on which dataset. Imports no torch.

``config/*.yaml`` hold the campaigns; ``workflow/schemas/config.schema.yaml`` is made from these models.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core.core_schema import CoreSchema, no_info_after_validator_function

from hyperseg.errors import UserError
from hyperseg.networks import network_ids
from hyperseg.strict import HandWritten, first_problem
from hyperseg.yaml_file import read_yaml


@dataclass(frozen=True)
class _Form:
    """Text of a form that is safe in paths and on command lines; `needed` says the form in words."""

    pattern: str
    needed: str
    longest: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(schema) | {"pattern": f"^{self.pattern}$", "maxLength": self.longest}

    def _check(self, value: str) -> str:
        if not re.fullmatch(self.pattern, value):
            raise ValueError(f"{value!r:.80} is not {self.needed}")
        if len(value) > self.longest:
            raise ValueError(f"{value!r:.80}... has {len(value)} letters, {self.longest} at most; shorten it")
        return value


# Names become folders and parts of file names. A folder may hold spaces and letters of any alphabet, but nothing that a
# shell or Snakemake reads as its own, and it lies under data/, which git ignores.
Name = Annotated[str, _Form(r"[a-z0-9][a-z0-9_]*", "a name of small letters, digits and _", 64)]
Folder = Annotated[
    str,
    _Form(
        r"data(/\w[\w .,+@=-]*)+", "a folder data/NAME, whose name may hold letters, digits, spaces and .,+@=_-", 200
    ),
]
Splits = Annotated[str, _Form(r"\w[\w.-]*(\+\w[\w.-]*)*", "the name of a split, or several joined with '+'", 200)]
Title = Annotated[str, _Form(r"[^\x00-\x1f\x7f]+", "one line of text", 200)]
InputHW = tuple[PositiveInt, PositiveInt]
Seed = Annotated[
    int, Field(ge=0, le=2**63 - 1)
]  # what `hyperseg train` takes; Snakemake takes 20 equal digits for a cycle


def _distinct(values: list[Any]) -> list[Any]:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"{value} is named twice; name it once")
    return values


Distinct = (Field(min_length=1), AfterValidator(_distinct))
Names = Annotated[list[Name], *Distinct]


Count = Annotated[int, Field(ge=1, le=999_999)]
Side = Annotated[int, Field(ge=32, le=8192)]


class Streets(HandWritten):
    """Options of ``hyperseg data streets``, within the bounds that it has; sizes in pixels."""

    train: Count
    val: Count
    test: Count
    height: Side
    width: Side
    seed: Seed = 0

    @property
    def command(self) -> str:
        """The command that makes them, as the prepared folder names its source."""
        return "hyperseg data streets " + " ".join(f"--{name} {value}" for name, value in self.model_dump().items())


class Dataset(HandWritten):
    id: Name
    folder: Folder = Field(description="the prepared dataset, under data/ in the repository root")
    streets: Streets | None = Field(default=None, description="generate the folder; null: prepare it from a source")

    @model_validator(mode="after")
    def _named_as_it_is_made(self) -> "Dataset":
        if self.streets is not None and self.id != "streets":
            raise ValueError(f"generated streets have the id streets, not {self.id}; correct id or leave streets out")
        return self


class Training(BaseModel):
    """Values put over the released recipe; ``hyperseg train`` knows and checks them."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Evaluation(HandWritten):
    protocols: Names
    split: Splits = Field(description="one split, or several joined with '+'")
    input_hw: InputHW | dict[str, InputHW] | None = Field(
        default=None,
        description="[height, width] of the network's input, for all variants or per variant; null: its own",
    )

    def input_of(self, variant: str) -> tuple[int, int] | None:
        """The evaluation input (height, width) set for a variant; None: the variant's own."""
        return self.input_hw.get(variant) if isinstance(self.input_hw, dict) else self.input_hw


class Latency(HandWritten):
    protocols: Names
    engines: Names | dict[str, Names] = Field(
        description="for all variants, or per variant, where 'default' stands for those without an entry"
    )
    precisions: Names
    input_hw: InputHW | None = Field(default=None, description="[height, width] to time; null: the variant's own")
    seeds: Literal["first", "all"] = Field(
        default="first", description="whose weights are timed: those of the campaign's first seed, or of every one"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="auto: the GPU of the machine that runs the pipeline, or its CPU where it has none"
    )
    target: Name | None = Field(
        default=None, description="name of the machines that are timed, where jobs run on others than this one"
    )

    def engines_of(self, variant: str) -> list[str]:
        """The engines that time a variant."""
        if isinstance(self.engines, list):
            return self.engines
        return self.engines.get(variant, self.engines.get("default", []))

    @property
    def all_engines(self) -> list[str]:
        """Every engine that is named, once."""
        named = [self.engines] if isinstance(self.engines, list) else list(self.engines.values())
        return list(dict.fromkeys(engine for engines in named for engine in engines))

    @model_validator(mode="after")
    def _named_with_its_device(self) -> "Latency":
        if self.target is not None and self.device == "auto":
            raise ValueError("a target needs its device; set device to cpu or cuda")
        return self


class Report(HandWritten):
    title: Title
    strips: int = Field(
        default=0, ge=0, le=20, description="pictures a variant: the images that its first seed scored worst and best"
    )


class Threads(HandWritten):
    """Cores of one job of a step; a latency always has the machine to itself."""

    train: Annotated[int, Field(ge=1, le=1024)] = 1
    evaluate: Annotated[int, Field(ge=1, le=1024)] = 1


class Campaign(HandWritten):
    campaign: Name = Field(description="name of the campaign, and of its folders under results/runs and reports")
    dataset: Dataset
    variants: Annotated[list[str], *Distinct]
    seeds: Annotated[list[Seed], *Distinct]
    threads: Threads = Threads()
    training: Training = Training()
    evaluation: Evaluation
    latency: Latency
    report: Report

    @property
    def timed_seeds(self) -> list[int]:
        """The seeds whose weights are timed."""
        return self.seeds if self.latency.seeds == "all" else self.seeds[:1]

    @property
    def strips_protocol(self) -> str:
        """The evaluation protocol whose scores choose the images that get pictures."""
        return "standard" if "standard" in self.evaluation.protocols else self.evaluation.protocols[0]

    @field_validator("variants")
    @classmethod
    def _known(cls, variants: list[str]) -> list[str]:
        for variant in variants:
            if variant not in network_ids():
                raise ValueError(f"'{variant}' is no variant; choose one of {', '.join(network_ids())}")
        return variants


def parse_campaign(values: Any, where: str) -> Campaign:
    """The campaign of a parsed file; a :class:`UserError` names the first key that does not fit, and `where`."""
    if not isinstance(values, dict):
        raise UserError(f"{where} holds no configuration; start from a copy of config/demo.yaml")
    try:
        return Campaign.model_validate(values)
    except ValidationError as error:
        key, problem = first_problem(error)
        raise UserError(f"'{key}' in {where} does not fit: {problem}; see config/README.md") from error


def load_campaign(path: Path, changes: dict[str, Any] | None = None) -> Campaign:
    """Read and check one configuration file, with `changes` put over its sections."""
    values = read_yaml(path, "configuration")
    return parse_campaign(put_over(values, changes) if changes and isinstance(values, dict) else values, str(path))


def put_over(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`values` with `changes` over them, section by section, as Snakemake does."""
    merged = dict(values)
    for key, change in changes.items():
        old = merged.get(key)
        merged[key] = put_over(old, change) if isinstance(old, dict) and isinstance(change, dict) else change
    return merged


def config_schema() -> str:
    """The JSON Schema of a configuration, as YAML text: the content of ``workflow/schemas/config.schema.yaml``."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Campaign.model_json_schema()
    return yaml.safe_dump(schema, sort_keys=False, width=120)
