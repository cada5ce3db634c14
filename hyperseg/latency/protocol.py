"""Latency protocols: named, versioned data files that fix what a number means. Imports no torch."""

from functools import cache
from importlib import resources
from typing import Literal

from pydantic import Field, ValidationError

from hyperseg.errors import UserError
from hyperseg.strict import StrictModel, first_problem
from hyperseg.yaml_file import parse_yaml

Stage = Literal["host_to_device", "forward", "upsample", "argmax"]
BatchNorm = Literal["kept", "folded", "deleted"]
Precision = Literal["float32", "float16", "bfloat16"]
Statistic = Literal["median", "images_over_total_time"]


class WarmUp(StrictModel):
    """Run until the medians of two consecutive windows agree, at most `max_seconds`."""

    window_seconds: float = Field(ge=0)
    window_samples: int = Field(ge=1)
    tolerance_percent: float = Field(gt=0)
    max_seconds: float = Field(gt=0)
    min_samples: int = Field(default=0, ge=0)


class Length(StrictModel):
    """A process is timed until it has `min_seconds` and `min_samples`; `max_seconds` ends it, and a verdict says so."""

    min_seconds: float = Field(ge=0)
    min_samples: int = Field(ge=1)
    short_sample_ms: float | None = Field(default=None, description="below it `short_min_samples` are needed")
    short_min_samples: int | None = None
    max_seconds: float = Field(gt=0)
    max_samples: int | None = Field(default=None, description="stop there although `min_seconds` have not passed")

    def samples_needed(self, median_ms: float) -> int:
        """Samples one process needs, given the median of what it has so far."""
        if self.short_sample_ms is not None and self.short_min_samples is not None and median_ms < self.short_sample_ms:
            return self.short_min_samples
        return self.min_samples


class BatchNormRule(StrictModel):
    default: BatchNorm
    allowed: list[BatchNorm]


class Passes(StrictModel):
    """Length by passes over a split: one pass warms up, one counts."""

    images: dict[str, int] = Field(description="images of the split the paper scored, by dataset id")


class Protocol(StrictModel):
    """One latency protocol; `id` and `version` go with every number taken under it."""

    id: str
    version: int = Field(ge=1)
    title: str
    smoke: bool = False
    clock: dict[Stage, Literal["in", "out"]] = Field(description="stages in order of running")
    batch_norm: BatchNormRule
    engines: list[str] | None = Field(default=None, description="null: any engine of the table")
    precisions: list[Precision]
    tf32_allowed: bool
    batches: list[int] = Field(min_length=1)
    stop_below_gain_percent: float | None = Field(default=None, description="ends the batch sweep early")
    input_scales: list[float] = Field(min_length=1, description="pixels of the input over the native input's")
    statistic: Statistic
    processes: int = Field(ge=1, description="fresh processes per number")
    passes: Passes | None = None
    calibration_seconds: float = 0.5
    warm_up: WarmUp
    length: Length

    @property
    def stages(self) -> list[Stage]:
        """The stages inside the clock, in order."""
        return [stage for stage, place in self.clock.items() if place == "in"]

    @property
    def sweeps(self) -> bool:
        """Whether the protocol times several batches or input sizes."""
        return len(self.batches) > 1 or len(self.input_scales) > 1

    def lengths(self, dataset: str | None, images: int | None = None) -> tuple[WarmUp, Length]:
        """Warm-up and length of one process; passes are over `images`, or over the dataset's split."""
        if self.passes is None:
            return self.warm_up, self.length
        count = images if images is not None else self.passes.images.get(dataset or "")
        if count is None:
            known = ", ".join(self.passes.images)
            raise UserError(
                f"protocol {self.id} counts passes over a split, and knows the size of {known} only; give --images"
            )
        warm_up = self.warm_up.model_copy(update={"min_samples": count})
        return warm_up, self.length.model_copy(update={"min_samples": count, "max_samples": count})


def protocol_ids() -> list[str]:
    """Ids of the packaged protocols."""
    files = resources.files("hyperseg.latency").joinpath("protocols").iterdir()
    return sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml"))


@cache
def load_protocol(protocol: str) -> Protocol:
    """The protocol of that id; a :class:`UserError` names the known ones, or what does not fit the file's schema."""
    if protocol not in protocol_ids():
        raise UserError(f"unknown latency protocol '{protocol}'; choose one of {', '.join(protocol_ids())}")
    text = resources.files("hyperseg.latency").joinpath("protocols", f"{protocol}.yaml").read_text(encoding="utf-8")
    return parse_protocol(text, f"{protocol}.yaml")


def parse_protocol(text: str, name: str) -> Protocol:
    """A protocol from YAML text; `name` is named in the error."""
    try:
        return Protocol.model_validate(parse_yaml(text, f"latency protocol {name}"))
    except ValidationError as error:
        key, message = first_problem(error)
        raise UserError(f"'{key}' in latency protocol {name} does not fit: {message}") from error
