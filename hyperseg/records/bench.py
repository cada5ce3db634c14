"""The numbers of `hyperseg bench`: one variant beside the authors' checkout, every contender in the same run.

Growth, peers, memory and the cost of sampling are the latency laboratory's to measure. Records made before November 26,
2026 hold some of them here (:class:`BenchNumbers`), and are still read.
"""

from typing import Any, Literal

from pydantic import Field

from hyperseg.records.measurement import Calibration, Interval, Switches, Verdict
from hyperseg.strict import StrictModel


class BenchTiming(StrictModel):
    """One contender. What is null in an earlier record was not looked at then."""

    name: str = Field(description="'authors', our engine/precision, or what the part's contenders are called")
    rounds_ms: list[float] = Field(description="one run per round, all contenders of a round in turn")
    median_ms: float
    page_faults: int | None = Field(
        default=None, description="pages new from the system in a round, median; without --keep-memory they cost time"
    )
    ratio: float = Field(description="times as fast as the baseline, the first contender: median over the rounds")
    ratio_interval: Interval | None = None
    largest_error: float | None = Field(
        default=None,
        description="of a logit, to our eager float32 on the same input, after the clock stopped (in records made "
        "before November 26, 2026: before it started)",
    )
    equal_classes_percent: float | None = Field(default=None, description="pixels with the class of our eager float32")
    verdict: Verdict | None = None


class BenchTurns(StrictModel):
    """Contenders that took turns on one input; the first is the baseline, the authors' code where they have such."""

    batch: int
    input_height: int
    input_width: int
    timings: list[BenchTiming]
    others_load_percent: float = Field(description="of our processors' time, by other processes, during the rounds")
    calibration: Calibration | None = None
    conditions: dict[str, Any] | None = Field(default=None, description="sampled during the rounds, units in the names")


class BenchTraining(BenchTurns):
    """Forward, loss, backward and Adam step."""

    first_loss: float
    first_loss_authors: float


class BenchLoading(BenchTurns):
    """Decoding and augmenting one training sample, beside a plain Pillow pipeline."""

    largest_difference: float = Field(description="of a normalized pixel, to plain Pillow's; two grey levels: 0.035")


class BenchShare(StrictModel):
    name: str = Field(description="engine/precision")
    percent: float = Field(description="pixels with the class of our eager float32")


class BenchAgreement(StrictModel):
    """On real images with trained weights."""

    images: int
    backbone: str | None = Field(default=None, description="of the weights; null in records of before it was kept")
    shares: list[BenchShare]


class BenchMemory(StrictModel):
    name: str = Field(description="'authors', or our engine/precision; each in a fresh process")
    peak_bytes: int
    ratio: float = Field(description="over the authors' peak")
    method: str = Field(description="what `peak_bytes` counts")


class BenchChange(StrictModel):
    """Change of the median by sampling, with its 95 % interval over pairs of blocks."""

    with_ms: float
    without_ms: float
    percent: float
    low_percent: float
    high_percent: float


class BenchSampling(StrictModel):
    """What sampling the conditions costs the timed process."""

    name: str = Field(description="engine/precision")
    wall: BenchChange
    cpu: BenchChange = Field(description="by the timing thread's CPU time, which other processes do not disturb")
    runs: int
    pairs: int
    thread_percent: float = Field(description="CPU time of the side thread over the time it ran")


class BenchGoal(StrictModel):
    title: str
    sense: Literal["at_least", "at_most"]
    bound: float
    unit: str = Field(description="'x', '%', '' ...")
    value: float
    by: str = Field(description="the contender the value is of")
    reached: bool | None = Field(description="null: too noisy to tell")


class BenchNumbers(StrictModel):
    """Parts that were not asked for are null or empty."""

    kind: Literal["bench"] = "bench"
    device: str
    device_name: str
    clock: Literal["wall", "cpu"] = Field(description="cpu: the process's CPU time, all its threads")
    authors_commit: str | None = Field(description="of the checkout; null where it is no git checkout")
    authors_dirty: bool | None
    switches: Switches | None = Field(default=None, description="null in records made before November 26, 2026")
    inference: BenchTurns | None = None
    training: BenchTraining | None = None
    loading: BenchLoading | None = None
    agreement: BenchAgreement | None = None
    goals: list[BenchGoal] = Field(default_factory=list)
    memory: list[BenchMemory] = Field(default_factory=list, description="of earlier records alone")
    peers: BenchTurns | None = Field(default=None, description="of earlier records alone")
    sampling: BenchSampling | None = Field(default=None, description="of earlier records alone")
