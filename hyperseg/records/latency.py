"""The numbers of `hyperseg latency`: one network's time under a protocol."""

from typing import Any, Literal

from pydantic import Field

from hyperseg.records.measurement import Answer, Calibration, Interval, Switches, Verdict
from hyperseg.records.ranges import Count, FileName, NotNegative, Positive, Sha256, Size
from hyperseg.strict import StrictModel


class Roofline(StrictModel):
    """How far the run was from what the device can do, by its own measured peaks."""

    gmacs_per_batch: Positive = Field(description="multiply-accumulates of one forward pass of the batch, in 1e9")
    estimated_gigabytes_moved: Positive | None = Field(
        description="estimate: every operator reads its inputs and writes its outputs once; null for an engine that "
        "joins operators, whose traffic is not known"
    )
    flop_per_byte: Positive | None = Field(description="arithmetic intensity: 2 x MACs over the estimated bytes")
    peak_gflop_per_s: Positive = Field(description="measured on a square matrix product in the run's precision")
    peak_gigabytes_per_s: Positive = Field(description="measured on a copy, read and write counted")
    reached_gflop_per_s: Positive = Field(description="2 x MACs over the median")
    fraction_of_peak: Positive | None = Field(le=1, description="null where the measured peak was passed")
    fraction_of_roof: Positive | None = Field(
        le=1,
        description="of the smaller of peak and intensity x bandwidth; null where the traffic is not known, or is "
        "evidently less than estimated (a cache)",
    )


class SweepPoint(StrictModel):
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
    fps: Positive = Field(description="images per second, over the total time")
    peak_memory_bytes: Size | None
    gmacs_per_batch: Positive | None
    answer: Answer | None = None
    verdict: Verdict


class LatencyNumbers(StrictModel):
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
    answer: Answer | None = Field(default=None, description="null in records made before November 26, 2026")
    switches: Switches | None = Field(default=None, description="null in records made before November 26, 2026")
    points: list[SweepPoint] = Field(default_factory=list, description="of a sweep; the numbers above are its headline")
    pixel_exponent: float | None = Field(default=None, description="slope of log time over log pixels in `points`")
