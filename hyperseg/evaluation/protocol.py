"""Evaluation protocols: named, versioned data files. Imports no torch."""

from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from hyperseg.data.reading import Normalization, Reading
from hyperseg.datasets.published import reading_of
from hyperseg.errors import UserError
from hyperseg.records import ProtocolRef

__all__ = ["EvaluationProtocol", "Normalization", "Reading", "load_protocol"]


class EvaluationProtocol(BaseModel):
    """One protocol; `default` is its reading of datasets that are not published or do not say their own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    version: int = Field(ge=1)
    title: str
    reading: str
    absent_classes: Literal["zero", "left_out"]
    default: Reading

    @property
    def ref(self) -> ProtocolRef:
        return ProtocolRef(id=self.id, version=self.version)

    def reading_of(self, dataset: str) -> Reading:
        """How this protocol reads the dataset of that id: as its file in the table of published datasets says."""
        return reading_of(dataset, self.id) or self.default


def load_protocol(protocol: str) -> EvaluationProtocol:
    """The protocol of that id; a :class:`UserError` names the known ones otherwise."""
    folder = files("hyperseg.evaluation") / "protocols"
    known = sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml"))
    if protocol not in known:
        raise UserError(f"unknown evaluation protocol '{protocol}'; choose one of {', '.join(known)}")
    return EvaluationProtocol.model_validate(yaml.safe_load((folder / f"{protocol}.yaml").read_text(encoding="utf-8")))
