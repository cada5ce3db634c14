"""What every measured speed carries, in a latency as in a benchmark: interval, calibration, answer and verdict."""

from typing import Literal, Self

from pydantic import Field, model_validator

from hyperseg.records.ranges import NotNegative, Percent, Positive, Size
from hyperseg.strict import StrictModel

# Settings of torch and of the environment that change speed or rounding, by their names there.
Switches = dict[str, bool | int | str]


class Interval(StrictModel):
    low: float
    high: float = Field(description="not below `low`")
    level: float = Field(gt=0, lt=1, description="confidence level, 0 to 1")
    method: str

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"the interval's low end {self.low} is above its high end {self.high}")
        return self


class Verdict(StrictModel):
    verdict: Literal["VALID", "DEGRADED", "INVALID"]
    reasons: list[str] = Field(description="one sentence each; empty for VALID")
    advice: list[str] = Field(default_factory=list)


class Calibration(StrictModel):
    """A fixed kernel timed before and after the measurement, in every process."""

    kernel: str
    before_ms: list[Positive] = Field(description="median before the run, one per process")
    after_ms: list[Positive] = Field(description="median after the run, one per process")
    largest_change_percent: NotNegative


class Answer(StrictModel):
    """What the timed engine answered after the clock stopped, against plain float32 eager on the same input."""

    images: Size = Field(description="images compared: the first and the last of the batch")
    largest_logit_difference: NotNegative | None = Field(description="null: the answer holds NaN or infinity")
    at_least: bool = Field(
        description="true: the engine answers classes, and its logits differ by this at least: half the largest lead "
        "in float32 of a class over the one that was answered"
    )
    allowed_difference: NotNegative = Field(description="by the run's precision, relative to the largest float32 logit")
    equal_classes_percent: Percent = Field(description="pixels with the class of float32 eager")
    needed_equal_percent: Percent = Field(description="by the run's precision")
