"""The record: what was run, with what, when, how long, and the numbers, units in the names.

One record per number-producing run, as one JSON file. Version 2 promises what version 1 did not: every raw file that a
record names lies beside it. Both are read. ``hyperseg records schema`` prints the JSON Schema, which the repository
publishes as ``workflow/schemas/record.schema.json``.
"""

import math
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from hyperseg.records.bench import BenchNumbers
from hyperseg.records.latency import LatencyNumbers
from hyperseg.records.measurement import Interval
from hyperseg.records.ranges import Count, FileName, NotNegative, Percent, Positive, Sha256, Size
from hyperseg.strict import StrictModel as Part

SCHEMA_VERSION: Literal[2] = 2


class WeightsSource(Part):
    """Where pretrained backbone weights came from."""

    source: str = Field(description="package and version, or hub repository")
    file: str = Field(description="file name, without a folder")
    sha256: Sha256


class NetworkRef(Part):
    """The network that was run."""

    id: str = Field(description="variant id, or 'library/model' for a peer")
    source: str = Field(description="'hyperseg' for this package, else the library or 'authors'")
    num_classes: Size
    backbone: str = Field(description="timm name for our variants")
    backbone_weights: WeightsSource | None = Field(description="null: the backbone started from random weights")
    slices: Literal["released", "described"] | None = Field(description="reading of the signal slices; null for peers")
    weights_sha256: Sha256 | None = Field(description="hash of the weights file; null: random weights")
    parameters: Size
    gmacs: Positive | None = Field(
        default=None,
        description="multiply-accumulates at the input size, in 1e9, of the published network: a context path that "
        "changes no output, and that no engine runs, counts",
    )


class ProtocolRef(Part):
    """A named, versioned protocol; a table never mixes two in one column."""

    id: str
    version: Size


class DatasetRef(Part):
    """The prepared dataset and split."""

    id: str
    version: Sha256 = Field(description="sha256 of the dataset's manifest")
    split: str = Field(description="one split, or several joined with '+'")
    images: Count
    title: str | None = Field(default=None, description="of the dataset's description; null: not recorded")
    source: str | None = Field(default=None, description="what the dataset was made from; null: not recorded")
    partial: bool = Field(default=False, description="true: only some of a published dataset's images")
    image_sizes: dict[str, Size] | None = Field(
        default=None, description="'<width>x<height>' in pixels -> images of the split; null: not recorded"
    )


class Machine(Part):
    """Identity of the machine; `fingerprint` is the key under which its latencies are kept."""

    fingerprint: str = Field(description="12 hex digits over the CPU model, core count, GPU names and memory")
    system: str
    cpu: str
    cpu_cores: Size
    cpu_flags: list[str] = Field(description="the instruction sets that matter for speed")
    memory_bytes: Size
    gpus: list[str] = Field(description="GPU names in NVML's order; empty without one")
    gpu_uuids: list[str]
    driver: str | None


class Provenance(Part):
    """With what it was run."""

    commit: str | None = Field(description="null outside a git checkout")
    dirty: bool | None = Field(description="uncommitted changes outside of what the pipeline writes")
    command: list[str]
    python: str
    packages: dict[str, str] = Field(description="versions of the packages that bear on the numbers")
    threads: Size = Field(description="torch's intra-op threads")
    machine: Machine


class EpochPoint(Part):
    epoch: Count
    step: Count = Field(description="optimizer steps done at the end of the epoch")
    loss: float = Field(description="mean over the epoch's steps")
    learning_rate: NotNegative
    duration_s: NotNegative
    miou_percent: Percent | None = Field(default=None, description="on `selection_split`, where one is scored")


class TrainingNumbers(Part):
    kind: Literal["training"] = "training"
    epochs: list[EpochPoint]
    steps: Count
    images_seen: Count
    final_loss: float
    selection: Literal["last", "best"] = Field(description="which checkpoint the weights file holds")
    selection_split: str | None = Field(description="the split 'best' was chosen on")
    step_median_ms: Positive = Field(description="forward, backward and optimizer step, without waiting for the data")
    peak_memory_bytes: Size = Field(description="largest resident set of the process, or CUDA allocation on a GPU")
    device: str
    precision: Literal["float32", "bfloat16", "float16"]


class ClassIoU(Part):
    name: str
    iou_percent: Percent | None = Field(description="null: absent from ground truth and prediction")
    pixels: Count = Field(description="ground-truth pixels of the class")


class EvaluationNumbers(Part):
    kind: Literal["evaluation"] = "evaluation"
    miou_percent: Percent
    miou_interval: Interval | None = Field(description="percentile bootstrap over images, in percent")
    majority_miou_percent: Percent = Field(description="what answering the most frequent class everywhere would score")
    pixel_accuracy_percent: Percent
    absent_classes: Literal["zero", "left_out"] = Field(description="how the mean counts a class found nowhere")
    classes: list[ClassIoU] = Field(min_length=1)
    confusion_matrix: list[list[Count]] = Field(description="rows: ground truth, columns: prediction, in pixels")
    ignored_pixels: Count
    input_height: Size
    input_width: Size
    device: str
    matrices_file: FileName | None = Field(
        default=None, description="npz of one confusion matrix per image, beside the record; null: not kept"
    )
    matrices_sha256: Sha256 | None = None


Numbers = Annotated[TrainingNumbers | EvaluationNumbers | LatencyNumbers | BenchNumbers, Field(discriminator="kind")]


def _name_the_version(schema: dict[str, Any]) -> None:
    """In JSON the version is never left out, though a record made in Python has it of itself."""
    schema["required"] = ["schema_version", *schema["required"]]


class Record(Part):
    """One run of one step."""

    model_config = ConfigDict(json_schema_extra=_name_the_version)

    schema_version: Literal[1, 2] = SCHEMA_VERSION
    campaign: str = Field(description="name of the configuration the run belongs to")
    network: NetworkRef
    protocol: ProtocolRef | None = Field(description="null for training and bench: see `config`")
    dataset: DatasetRef | None = Field(description="null for a latency on generated input")
    seed: int | None
    config: dict[str, Any] = Field(description="the full configuration of the step")
    provenance: Provenance
    started_at: datetime
    duration_s: NotNegative = Field(description="of a resumed training, its last session; the epochs hold all of it")
    numbers: Numbers

    @model_validator(mode="after")
    def _finite(self) -> Self:
        for name, value in (("config", self.config), ("conditions", getattr(self.numbers, "conditions", None))):
            if not _is_finite(value):
                raise ValueError(f"'{name}' holds a NaN or an infinite number")
        return self

    @property
    def kind(self) -> str:
        return self.numbers.kind

    @property
    def whole_s(self) -> float:
        """Seconds the step took. `duration_s` of a resumed training is its last session's; its epochs hold them all."""
        epochs = self.numbers.epochs if isinstance(self.numbers, TrainingNumbers) else ()
        return max(self.duration_s, sum(point.duration_s for point in epochs))


def _is_finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)
