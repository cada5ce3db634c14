"""The job that the laboratory gives to a fresh process, and its result. Imports no torch."""

from typing import Any, Literal

from hyperseg.latency.protocol import BatchNorm, Length, Precision, Stage, WarmUp
from hyperseg.latency.subjects import Subject
from hyperseg.records.measurement import Answer, Switches
from hyperseg.strict import StrictModel


class Job(StrictModel):
    """One process's measurement of one point."""

    subject: Subject
    engine: str
    device: Literal["cpu", "cuda"]
    device_index: int = 0  # CUDA's
    precision: Precision
    tf32: bool
    batch_norm: BatchNorm
    stages: list[Stage]
    batch: int
    height: int
    width: int
    inputs: int = 4  # different inputs, used one after the other
    threads: int | None = None  # None: as torch chooses
    warm_up: WarmUp
    length: Length
    calibration_seconds: float
    sampling_interval_s: float = 0.25


class RawSeries(StrictModel):
    """Raw samples of one phase, as the clock took them."""

    started_ns: list[int]
    latency_ns: list[int]
    device_ns: list[int | None]


class Result(StrictModel):
    """One process's answer."""

    warm_up: RawSeries
    timed: RawSeries
    settled: bool
    enough_samples: bool
    prepare_s: float
    peak_memory_bytes: int | None
    peak_memory_method: str
    batch_norms_left: int
    threads: int
    calibration_kernel: str
    calibration_before_ms: float
    calibration_after_ms: float
    peak_gflop_per_s: float
    peak_gigabytes_per_s: float
    cpu_conditions: dict[str, Any] | None
    gpu_conditions: dict[str, Any] | None
    sampling_failure: str | None
    gpu_unsampled: bool = False  # on a GPU without nvidia-ml-py
    sampling_cost_percent: float  # CPU time of the side thread over the window
    condition_readings: dict[str, list[dict[str, Any]]]
    device_name: str
    answer: Answer
    switches: Switches
