"""How far a training has come: what its checkpoint holds beside the tensors of model and optimizer."""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from hyperseg.records import EpochPoint


@dataclass
class Best:
    """The best validated epoch so far."""

    miou_percent: float
    epoch: int
    weights: dict[str, Tensor]


@dataclass
class TrainingState:
    """Steps and epochs done, and the running epoch's losses."""

    step: int = 0  # optimizer steps done
    epochs: list[EpochPoint] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)  # of the steps of the epoch that is not finished
    epoch_s: float = 0.0  # seconds spent in that epoch before an interruption
    step_ms: list[float] = field(default_factory=list)  # of all steps
    best: Best | None = None
    resumed: list[dict[str, Any]] = field(default_factory=list)  # per interruption: the step, and what changed

    def plain(self) -> dict[str, Any]:
        """The state as numbers, text, lists and tensors alone."""
        content = dict(vars(self))
        content["epochs"] = [point.model_dump() for point in self.epochs]
        content["best"] = dict(vars(self.best)) if self.best else None
        return content

    @classmethod
    def from_plain(cls, content: dict[str, Any]) -> "TrainingState":
        """The state that :meth:`plain` was called on. Raises an exception of any kind for other content."""
        epochs = [EpochPoint.model_validate(point) for point in content["epochs"]]
        best = Best(**content["best"]) if content["best"] else None
        return cls(**(content | {"epochs": epochs, "best": best}))
