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
    geometry: Literal["resize", "resize_both", "pad"] = Field(
        description="how an image gets the network's input size; 'resize_both': its label too, by nearest"
    )
    interpolation: Literal["bilinear", "bicubic"] = Field(default="bilinear", description="of a resized image")
    normalization: Normalization = Field(description="'half': mean and standard deviation 0.5")
    released_normalization: Normalization | None = Field(
        default=None, description="for checkpoints of the authors, where another than the training's own"
    )


class EvaluationProtocol(StrictModel):
    """One protocol; `datasets` holds the reading per dataset id, `default` that of any other."""

    id: str
    version: int = Field(ge=1)
    title: str
    reading: str
    absent_classes: Literal["zero", "left_out"]
    datasets: dict[str, Reading]
    unfit: dict[str, str] = Field(default={}, description="datasets it does not score: id -> why, and the remedy")

    @property
    def ref(self) -> ProtocolRef:
        return ProtocolRef(id=self.id, version=self.version)

    def reading_of(self, dataset: str, *, released: bool = False) -> Reading:
        """How a dataset is read, with weights of one's own or a `released` checkpoint.

        Raises :class:`UserError` for a dataset whose labels are not the classes that the protocol scores.
        """
        if dataset in self.unfit:
            raise UserError(f"protocol {self.id} does not score {dataset}: {self.unfit[dataset]}")
        reading = self.datasets.get(dataset, self.datasets["default"])
        normalization = (released and reading.released_normalization) or reading.normalization
        return reading.model_copy(update={"normalization": normalization, "released_normalization": None})


def load_protocol(protocol: str) -> EvaluationProtocol:
    """The protocol of that id; a :class:`UserError` names the known ones otherwise."""
    folder = files("hyperseg.evaluation") / "protocols"
    known = sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml"))
    if protocol not in known:
        raise UserError(f"unknown evaluation protocol '{protocol}'; choose one of {', '.join(known)}")
    text = (folder / f"{protocol}.yaml").read_text(encoding="utf-8")
    return EvaluationProtocol.model_validate(parse_yaml(text, f"protocol {protocol}"))
