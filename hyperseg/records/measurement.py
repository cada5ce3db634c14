"""What every measured speed carries, in a latency as in a benchmark: interval, calibration, answer and verdict."""

from typing import Annotated, Literal

from pydantic import Field

from hyperseg.strict import StrictModel

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

# Settings of torch and of the environment that change speed or rounding, by their names there.
Switches = dict[str, bool | int | str]


class Interval(StrictModel):
    low: float
    high: float
    level: float = Field(description="confidence level, 0 to 1")
    method: str


class Verdict(StrictModel):
    verdict: Literal["VALID", "DEGRADED", "INVALID"]
    reasons: list[str] = Field(description="one sentence each; empty for VALID")
    advice: list[str] = Field(default_factory=list)


class Calibration(StrictModel):
    """A fixed kernel timed before and after the measurement, in every process."""

    kernel: str
    before_ms: list[float] = Field(description="median before the run, one per process")
    after_ms: list[float] = Field(description="median after the run, one per process")
    largest_change_percent: float


class Answer(StrictModel):
    """What the timed engine answered after the clock stopped, against plain float32 eager on the same input."""

    images: int = Field(description="images compared: the first and the last of the batch")
    largest_logit_difference: float | None = Field(description="null: the answer holds NaN or infinity")
    at_least: bool = Field(
        description="true: the engine answers classes, and its logits differ by this at least: half the largest lead "
        "in float32 of a class over the one that was answered"
    )
    allowed_difference: float = Field(description="by the run's precision, relative to the largest float32 logit")
    equal_classes_percent: float = Field(description="pixels with the class of float32 eager")
    needed_equal_percent: float = Field(description="by the run's precision")
