"""Evaluation protocols: named, versioned data files. Imports no torch."""

from importlib.resources import files
from typing import Literal

from pydantic import Field

from hyperseg.data.reading import Reading
from hyperseg.datasets.published import find_published
from hyperseg.errors import UserError
from hyperseg.records import ProtocolRef
from hyperseg.strict import StrictModel
from hyperseg.yaml_file import parse_yaml


class EvaluationProtocol(StrictModel):
    """One protocol; `default` is its reading of datasets that are not published or do not say their own."""

    id: str
    version: int = Field(ge=1)
    title: str
    reading: str
    absent_classes: Literal["zero", "left_out"]
    default: Reading

    @property
    def ref(self) -> ProtocolRef:
        return ProtocolRef(id=self.id, version=self.version)

    def reading_of(self, dataset: str, *, released: bool = False) -> Reading:
        """How this protocol reads the dataset of that id: as its file in the table of published datasets says.

        `released`: the weights are a checkpoint of the authors. Raises :class:`UserError` for a dataset whose labels
        are not the classes that the protocol scores.
        """
        found = find_published(dataset)
        if found and self.id in found.unscored:
            raise UserError(f"protocol {self.id} does not score {dataset}: {found.unscored[self.id]}")
        reading = (found and found.readings.get(self.id)) or self.default
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
