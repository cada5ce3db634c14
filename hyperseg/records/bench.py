"""The numbers of `hyperseg bench`: one variant beside the authors' checkout, every contender in the same run."""

from typing import Literal

from pydantic import Field

from hyperseg.strict import StrictModel as Part


class BenchTiming(Part):
    name: str = Field(description="'authors', engine/precision of ours, or peer, engine/precision")
    rounds_ms: list[float] = Field(description="one run per round, all contenders of a round in turn")
    median_ms: float
    page_faults: int | None = Field(
        default=None, description="pages new from the system in a round, median; without --keep-memory they cost time"
    )
    ratio: float = Field(description="times as fast as the authors' network, median over the rounds")
    largest_error: float | None = Field(default=None, description="of a logit, to our eager float32 in eval mode")


class BenchTurns(Part):
    """Contenders that took turns on one input; the first is the authors' network."""

    batch: int
    input_height: int
    input_width: int
    timings: list[BenchTiming]
    others_load_percent: float = Field(description="of our processors' time, by other processes, during the rounds")


class BenchTraining(BenchTurns):
    """Forward, loss, backward and Adam step."""

    first_loss: float
    first_loss_authors: float


class BenchMemory(Part):
    name: str = Field(description="'authors', or engine/precision of ours; each in a fresh process")
    peak_bytes: int
    ratio: float = Field(description="over the authors' peak")
    method: str = Field(description="what `peak_bytes` counts")


class BenchPoint(Part):
    axis: Literal["input", "batch"]
    batch: int
    input_height: int
    input_width: int
    pixel_ratio: float = Field(description="pixels of one image over those of the native input")
    rounds_ms: list[float] = Field(description="of one batch; all points of a round in turn")
    median_ms: float


class BenchScaling(Part):
    name: str = Field(description="engine/precision")
    points: list[BenchPoint]
    others_load_percent: float = Field(description="of our processors' time, by other processes, during the rounds")
    pixel_exponent: float | None = Field(description="slope of log time over log pixels at batch 1; 1: linear")


class BenchShare(Part):
    name: str = Field(description="engine/precision")
    percent: float = Field(description="pixels with the class of our eager float32")


class BenchAgreement(Part):
    """On real images with trained weights."""

    images: int
    shares: list[BenchShare]


class BenchChange(Part):
    """Change of the median by sampling, with its 95 % interval over pairs of blocks."""

    with_ms: float
    without_ms: float
    percent: float
    low_percent: float
    high_percent: float


class BenchSampling(Part):
    """What sampling the conditions costs the timed process."""

    name: str = Field(description="engine/precision")
    wall: BenchChange
    cpu: BenchChange = Field(description="by the timing thread's CPU time, which other processes do not disturb")
    runs: int
    pairs: int
    thread_percent: float = Field(description="CPU time of the side thread over the time it ran")


class BenchGoal(Part):
    title: str
    sense: Literal["at_least", "at_most"]
    bound: float
    unit: str = Field(description="'x', '%', '' ...")
    value: float
    by: str = Field(description="the contender the value is of")
    reached: bool | None = Field(description="null: too noisy to tell")


class BenchNumbers(Part):
    """Parts that were not asked for are null or empty."""

    kind: Literal["bench"] = "bench"
    device: str
    device_name: str
    clock: Literal["wall", "cpu"] = Field(description="cpu: the process's CPU time, all its threads")
    authors_commit: str | None = Field(description="of the checkout; null where it is no git checkout")
    authors_dirty: bool | None
    inference: BenchTurns | None = None
    training: BenchTraining | None = None
    memory: list[BenchMemory] = Field(default_factory=list)
    scaling: list[BenchScaling] = Field(default_factory=list)
    agreement: BenchAgreement | None = None
    sampling: BenchSampling | None = None
    peers: BenchTurns | None = None
    goals: list[BenchGoal] = Field(default_factory=list)
