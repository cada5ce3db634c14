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
    gmacs: Positive | None = Field(default=None, description="multiply-accumulates at the input size, in 1e9")


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
    dirty: bool | None = Field(description="uncommitted changes outside data/, results/ and reports/")
    command: list[str]
    python: str
    packages: dict[str, str] = Field(description="versions of the packages that bear on the numbers")
    threads: Size = Field(description="torch's intra-op threads")
    machine: Machine


class Interval(Part):
    low: float
    high: float = Field(description="not below `low`")
    level: float = Field(gt=0, lt=1, description="confidence level, 0 to 1")
    method: str

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"the interval's low end {self.low} is above its high end {self.high}")
        return self


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


class Verdict(Part):
    verdict: Literal["VALID", "DEGRADED", "INVALID"]
    reasons: list[str] = Field(description="one sentence each; empty for VALID")
    advice: list[str] = Field(default_factory=list)


class Roofline(Part):
    """How far the run was from what the device can do, by its own measured peaks."""

    gmacs_per_batch: Positive = Field(description="multiply-accumulates of one forward pass of the batch, in 1e9")
    estimated_gigabytes_moved: Positive = Field(
        description="estimate: every operator of the plain network reads its inputs and writes its outputs once"
    )
    flop_per_byte: Positive = Field(description="arithmetic intensity: 2 x MACs over the estimated bytes")
    peak_gflop_per_s: Positive = Field(description="measured on a square matrix product in the run's precision")
    peak_gigabytes_per_s: Positive = Field(description="measured on a copy, read and write counted")
    reached_gflop_per_s: Positive = Field(description="2 x MACs over the median")
    fraction_of_peak: Positive
    fraction_of_roof: Positive = Field(
        description="of the smaller of peak and intensity x bandwidth; fusion may pass 1"
    )


class Calibration(Part):
    """A fixed kernel timed before and after the measurement, in every process."""

    kernel: str
    before_ms: list[Positive] = Field(description="median before the run, one per process")
    after_ms: list[Positive] = Field(description="median after the run, one per process")
    largest_change_percent: NotNegative


class SweepPoint(Part):
    """One point of a sweep over the input size or the batch."""

    axis: Literal["input", "batch"]
    batch: Size
    input_height: Size
    input_width: Size
    pixel_ratio: Positive = Field(description="pixels of one image over those of the native input")
    samples: Size
    processes: Size
    median_ms: Positive = Field(description="of one batch")
    median_interval: Interval | None
    fps: Positive = Field(description="images per second")
    peak_memory_bytes: Size | None
    gmacs_per_batch: Positive | None
    verdict: Verdict


class LatencyNumbers(Part):
    kind: Literal["latency"] = "latency"
    device: str = Field(description="'cpu' or 'cuda'")
    device_name: str
    engine: str
    precision: Literal["float32", "float16", "bfloat16"]
    tf32: bool
    batch_norm: Literal["kept", "folded", "deleted"]
    batch: Size
    input_height: Size
    input_width: Size
    clock_stages: list[str] = Field(description="stages inside the clock, in order")
    smoke: bool = Field(description="true: a functional check; enters no claim")
    samples: Size
    warmup_samples: Count
    processes: Size
    prepare_s: NotNegative = Field(description="time to build the engine, outside the clock")
    median_ms: Positive
    median_interval: Interval | None = Field(description="from the processes' medians, in ms")
    mean_ms: Positive
    p90_ms: Positive | None = Field(description="null below 64 samples")
    p99_ms: Positive | None = Field(description="null below 662 samples")
    fps: Positive = Field(description="images per second by the protocol's statistic")
    peak_memory_bytes: Size | None
    samples_file: FileName | None = Field(description="parquet of raw samples, beside the record")
    samples_sha256: Sha256 | None
    conditions: dict[str, Any] = Field(description="summary of what was sampled during the run, units in the names")
    verdict: Verdict
    process_medians_ms: list[Positive] = Field(default_factory=list, description="one per fresh process, in order")
    device_median_ms: Positive | None = Field(default=None, description="by CUDA events; null on a CPU")
    batch_norms_left: Count | None = Field(default=None, description="norms still applied at run time, of all kinds")
    peak_memory_method: str | None = Field(default=None, description="what `peak_memory_bytes` counts")
    calibration: Calibration | None = None
    roofline: Roofline | None = None
    points: list[SweepPoint] = Field(default_factory=list, description="of a sweep; the numbers above are its headline")
    pixel_exponent: float | None = Field(default=None, description="slope of log time over log pixels in `points`")


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
    duration_s: NotNegative
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


def _is_finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)
