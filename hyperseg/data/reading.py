"""How an evaluation protocol reads a dataset: void, geometry and normalization. Imports no torch."""

from typing import Literal

from pydantic import Field

from hyperseg.strict import StrictModel

Normalization = Literal["imagenet", "half"]


class Reading(StrictModel):
    """How a protocol reads one dataset."""

    void: Literal["class", "ignore"] = Field(description="whether void, where the dataset has it, is one more class")
    geometry: Literal["resize", "resize_both", "pad"] = Field(
        description="how an image gets the network's input size; 'resize_both': its label too, by nearest"
    )
    interpolation: Literal["bilinear", "bicubic"] = Field(default="bilinear", description="of a resized image")
    normalization: Normalization = Field(description="'half': mean and standard deviation 0.5")
    flip: bool = Field(default=False, description="whether the scores of the mirror image are averaged in")
    released_normalization: Normalization | None = Field(
        default=None, description="for the authors' checkpoints, where another than the training's own"
    )
