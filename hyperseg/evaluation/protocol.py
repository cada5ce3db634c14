"""Evaluation protocols: named, versioned data files. Imports no torch."""

from importlib.resources import files
from typing import Literal

from pydantic import Field

from hyperseg.errors import UserError
from hyperseg.records import ProtocolRef
from hyperseg.strict import StrictModel
from hyperseg.yaml_file import parse_yaml

Normalization = Literal["imagenet", "half"]


class Reading(StrictModel):
    """How a protocol reads one dataset."""

    void: Literal["class", "ignore"] = Field(description="whether void, where the dataset has it, is one more class")
    geometry: Literal["resize", "pad"] = Field(description="how an image gets the network's input size")
    normalization: Normalization = Field(description="'half': mean and standard deviation 0.5")


class EvaluationProtocol(StrictModel):
    """One protocol; `datasets` holds the reading per dataset id, `default` that of any other."""

    id: str
    version: int = Field(ge=1)
    title: str
    reading: str
    absent_classes: Literal["zero", "left_out"]
    datasets: dict[str, Reading]

    @property
    def ref(self) -> ProtocolRef:
        return ProtocolRef(id=self.id, version=self.version)

    def reading_of(self, dataset: str) -> Reading:
        return self.datasets.get(dataset, self.datasets["default"])


def load_protocol(protocol: str) -> EvaluationProtocol:
    """The protocol of that id; a :class:`UserError` names the known ones otherwise."""
    folder = files("hyperseg.evaluation") / "protocols"
    known = sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml"))
    if protocol not in known:
        raise UserError(f"unknown evaluation protocol '{protocol}'; choose one of {', '.join(known)}")
    text = (folder / f"{protocol}.yaml").read_text(encoding="utf-8")
    return EvaluationProtocol.model_validate(parse_yaml(text, f"protocol {protocol}"))
