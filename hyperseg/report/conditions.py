"""Under which conditions a row of the paper was made: data, reading and training."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from hyperseg.errors import UserError
from hyperseg.strict import StrictModel, first_problem
from hyperseg.yaml_file import read_yaml

CLAIMS_FILE = "claims.yaml"  # beside paper.csv


class Conditions(StrictModel):
    """What a measurement must have in common with a row of the paper; None: not stated, so not asked for."""

    dataset: str = Field(description="this project's dataset that has the paper's frames and labels")
    images: int | None = None
    image_size: str | None = Field(default=None, pattern=r"^[0-9]+x[0-9]+$", description="width x height, pixels")
    void: Literal["class", "ignore"] | None = None
    geometry: Literal["resize", "pad"] | None = None
    normalization: Literal["imagenet", "half"] | None = None
    backbone: str | None = Field(default=None, description="timm architecture without the prefix tf_")
    epochs: int | None = None
    images_per_epoch: int | None = None
    selection: Literal["last", "best"] | None = None
    selection_split: str | None = None


def read_conditions(folder: Path) -> dict[str, Conditions]:
    """'<dataset> <split>' -> conditions, from ``claims.yaml`` in `folder`; empty where there is none."""
    path = folder / CLAIMS_FILE
    if not path.exists():
        return {}
    content = read_yaml(path, "claims")
    found: Any = content.get("conditions") if isinstance(content, dict) else None
    if not isinstance(found, dict):
        raise UserError(f"claims {path} hold no mapping 'conditions'; write one as in results/paper/claims.yaml")
    try:
        return {str(name): Conditions.model_validate(entry) for name, entry in found.items()}
    except ValidationError as error:
        key, message = first_problem(error)
        raise UserError(f"'conditions' in {path} do not fit at '{key}': {message}") from error
