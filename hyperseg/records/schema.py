"""Version 1 of the record: what was run, with what, when, how long, and the numbers, units in the names.

One record per number-producing run, as one JSON file. ``hyperseg records schema`` prints the JSON Schema, which the
repository publishes as ``workflow/schemas/record.schema.json``.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from hyperseg.records.bench import BenchNumbers
from hyperseg.records.latency import LatencyNumbers
from hyperseg.records.measurement import Interval, Sha256
from hyperseg.strict import StrictModel as Part

SCHEMA_VERSION = 1


class WeightsSource(Part):
    """Where pretrained backbone weights came from."""

    source: str = Field(description="package and version, or hub repository")
    file: str = Field(description="file name, without a folder")
    sha256: Sha256


class NetworkRef(Part):
    """The network that was run."""

    id: str = Field(description="variant id, or 'library/model' for a peer")
    source: str = Field(description="'hyperseg' for this package, else the library or 'authors'")
    num_classes: int = Field(gt=0)
    backbone: str = Field(description="timm name for our variants")
    backbone_weights: WeightsSource | None = Field(description="null: the backbone started from random weights")
    slices: Literal["released", "described"] | None = Field(description="reading of the signal slices; null for peers")
    weights_sha256: Sha256 | None = Field(description="hash of the weights file; null: random weights")
    parameters: int = Field(gt=0)
    gmacs: float | None = Field(default=None, description="multiply-accumulates at the input size, in 1e9")


class ProtocolRef(Part):
    """A named, versioned protocol; a table never mixes two in one column."""

    id: str
    version: int = Field(ge=1)


class DatasetRef(Part):
    """The prepared dataset and split."""

    id: str
    version: Sha256 = Field(description="sha256 of the dataset's manifest")
    split: str = Field(description="one split, or several joined with '+'")
    images: int = Field(ge=0)


class Machine(Part):
    """Identity of the machine; `fingerprint` is the key under which its latencies are kept."""

    fingerprint: str = Field(description="12 hex digits over the CPU model, core count, GPU names and memory")
    system: str
    cpu: str
    cpu_cores: int
    cpu_flags: list[str] = Field(description="the instruction sets that matter for speed")
    memory_bytes: int
    gpus: list[str] = Field(description="GPU names in NVML's order; empty without one")
    gpu_uuids: list[str]
    driver: str | None


class Provenance(Part):
    """With what it was run."""

    commit: str | None = Field(description="null outside a git checkout")
    dirty: bool | None = Field(description="uncommitted changes outside data/, results/ and reports/")
    command: list[str]
    python: str
    packages: dict[str, str] = Field(description="versions of the packages that bear on the numbers")
    threads: int = Field(description="torch's intra-op threads")
    machine: Machine


class EpochPoint(Part):
    epoch: int
    step: int = Field(description="optimizer steps done at the end of the epoch")
    loss: float = Field(description="mean over the epoch's steps")
    learning_rate: float
    duration_s: float
    miou_percent: float | None = Field(default=None, description="on `validation_split`, where one is scored")


class TrainingNumbers(Part):
    kind: Literal["training"] = "training"
    epochs: list[EpochPoint]
    steps: int
    images_seen: int
    final_loss: float
    selection: Literal["last", "best"] = Field(description="which checkpoint the weights file holds")
    selection_split: str | None = Field(description="the split 'best' was chosen on")
    step_median_ms: float = Field(description="forward, backward and optimizer step, without waiting for the data")
    peak_memory_bytes: int = Field(description="largest resident set of the process, or CUDA allocation on a GPU")
    device: str
    precision: Literal["float32", "bfloat16", "float16"]


class ClassIoU(Part):
    name: str
    iou_percent: float | None = Field(description="null: absent from ground truth and prediction")
    pixels: int = Field(description="ground-truth pixels of the class")


class EvaluationNumbers(Part):
    kind: Literal["evaluation"] = "evaluation"
    miou_percent: float
    miou_interval: Interval | None = Field(description="percentile bootstrap over images, in percent")
    majority_miou_percent: float = Field(description="what answering the most frequent class everywhere would score")
    pixel_accuracy_percent: float
    absent_classes: Literal["zero", "left_out"] = Field(description="how the mean counts a class found nowhere")
    classes: list[ClassIoU]
    confusion_matrix: list[list[int]] = Field(description="rows: ground truth, columns: prediction, in pixels")
    ignored_pixels: int
    input_height: int
    input_width: int
    device: str


Numbers = Annotated[TrainingNumbers | EvaluationNumbers | LatencyNumbers | BenchNumbers, Field(discriminator="kind")]


class Record(Part):
    """One run of one step."""

    schema_version: Literal[1] = 1
    campaign: str = Field(description="name of the configuration the run belongs to")
    network: NetworkRef
    protocol: ProtocolRef | None = Field(description="null for training and bench: see `config`")
    dataset: DatasetRef | None = Field(description="null for a latency on generated input")
    seed: int | None
    config: dict[str, Any] = Field(description="the full configuration of the step")
    provenance: Provenance
    started_at: datetime
    duration_s: float
    numbers: Numbers

    @property
    def kind(self) -> str:
        return self.numbers.kind
