"""A campaign's configuration: which variants, seeds, protocols, on which dataset. Imports no torch.

``config/*.yaml`` hold the campaigns; ``workflow/schemas/config.schema.yaml`` is made from these models.
"""

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, field_validator

from hyperseg.errors import UserError
from hyperseg.models.variants import VARIANTS
from hyperseg.strict import StrictModel, first_problem
from hyperseg.yaml_file import read_yaml

# Names become folders and parts of file names.
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
InputHW = tuple[PositiveInt, PositiveInt]


class Streets(StrictModel):
    """Options of ``hyperseg data streets``; sizes in pixels."""

    train: PositiveInt
    val: PositiveInt
    test: PositiveInt
    height: PositiveInt
    width: PositiveInt
    seed: int = Field(default=0, ge=0)


class Dataset(StrictModel):
    id: Name
    folder: str = Field(description="the prepared dataset, relative to the repository root")
    streets: Streets | None = Field(default=None, description="generate the folder; null: prepare it from a source")


class Training(BaseModel):
    """Values put over the released recipe; ``hyperseg train`` knows and checks them."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Evaluation(StrictModel):
    protocols: list[Name] = Field(min_length=1)
    split: str = Field(description="one split, or several joined with '+'")
    input_hw: InputHW | dict[str, InputHW] | None = Field(
        default=None,
        description="[height, width] of the network's input, for all variants or per variant; null: its own",
    )

    def input_of(self, variant: str) -> tuple[int, int] | None:
        """The evaluation input (height, width) set for a variant; None: the variant's own."""
        return self.input_hw.get(variant) if isinstance(self.input_hw, dict) else self.input_hw


class Latency(StrictModel):
    protocols: list[Name] = Field(min_length=1)
    engines: list[Name] = Field(min_length=1)
    precisions: list[Name] = Field(min_length=1)
    input_hw: InputHW | None = Field(default=None, description="[height, width] to time; null: the variant's own")


class Report(StrictModel):
    title: str


class Threads(StrictModel):
    """Cores of one job of a step; a latency always has the machine to itself."""

    train: PositiveInt = 1
    evaluate: PositiveInt = 1


class Campaign(StrictModel):
    campaign: Name = Field(description="name of the campaign, and of its folders under results/runs and reports")
    dataset: Dataset
    variants: list[str] = Field(min_length=1)
    seeds: list[Annotated[int, Field(ge=0)]] = Field(min_length=1)
    threads: Threads = Threads()
    training: Training = Training()
    evaluation: Evaluation
    latency: Latency
    report: Report

    @field_validator("variants")
    @classmethod
    def _known(cls, variants: list[str]) -> list[str]:
        for variant in variants:
            if variant not in VARIANTS:
                raise ValueError(f"'{variant}' is no variant; choose from {', '.join(VARIANTS)}")
        return variants

    @field_validator("variants", "seeds")
    @classmethod
    def _distinct(cls, values: list[Any]) -> list[Any]:
        if len(set(values)) < len(values):
            raise ValueError("an entry is named twice")
        return values


def parse_campaign(values: Any, where: str) -> Campaign:
    """The campaign of a parsed file; a :class:`UserError` names the first key that does not fit, and `where`."""
    if not isinstance(values, dict):
        raise UserError(f"{where} holds no configuration; start from a copy of config/demo.yaml")
    try:
        return Campaign.model_validate(values)
    except ValidationError as error:
        key, problem = first_problem(error)
        raise UserError(f"'{key}' in {where} does not fit: {problem}; see config/README.md") from error


def load_campaign(path: Path) -> Campaign:
    """Read and check one configuration file."""
    return parse_campaign(read_yaml(path, "configuration"), str(path))


def config_schema() -> str:
    """The JSON Schema of a configuration, as YAML text: the content of ``workflow/schemas/config.schema.yaml``."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Campaign.model_json_schema()
    return yaml.safe_dump(schema, sort_keys=False, width=120)
