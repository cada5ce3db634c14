"""Live curves of a training in TensorBoard or DVCLive, beside its record; they change no number."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hyperseg.errors import UserError
from hyperseg.records import EpochPoint
from hyperseg.records.store import LIVE

EVERY = 10  # steps between two points of the running loss


class Watcher(Protocol):
    """Takes the numbers of a training as they come."""

    def step(self, step: int, loss: float, learning_rate: float) -> None: ...

    def epoch(self, point: EpochPoint) -> None: ...

    def picture(self, step: int, pixels: np.ndarray) -> None:
        """A prediction beside its label, uint8 (H, W, 3)."""

    def close(self) -> None: ...


class TensorBoard:
    """Event files in ``<out>/tensorboard``; an interrupted training's points after its last checkpoint are hidden."""

    def __init__(self, out: Path, first_step: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise UserError("--watch tensorboard needs TensorBoard; install hyperseg-bench[watch]") from error
        self.writer: Any = SummaryWriter(str(out / "tensorboard"), purge_step=first_step or None)

    def step(self, step: int, loss: float, learning_rate: float) -> None:
        self.writer.add_scalar("loss/running", loss, step)
        self.writer.add_scalar("learning_rate", learning_rate, step)

    def epoch(self, point: EpochPoint) -> None:
        self.writer.add_scalar("loss/epoch", point.loss, point.step)
        if point.miou_percent is not None:
            self.writer.add_scalar("miou_percent", point.miou_percent, point.step)
        self.writer.flush()

    def picture(self, step: int, pixels: np.ndarray) -> None:
        self.writer.add_image("prediction", pixels, step, dataformats="HWC")

    def close(self) -> None:
        self.writer.close()


class DvcLive:
    """DVCLive's tables in ``<out>/dvclive``, one row an epoch; nothing is committed or tracked by itself."""

    def __init__(self, out: Path, first_step: int) -> None:
        try:
            from dvclive import Live
        except ImportError as error:
            raise UserError("--watch dvclive needs DVCLive; install hyperseg-bench[watch]") from error
        self.live: Any = Live(
            str(out / LIVE), save_dvc_exp=False, dvcyaml=None, report=None, resume=first_step > 0,
            monitor_system=False,
        )  # fmt: skip

    def step(self, step: int, loss: float, learning_rate: float) -> None:
        """Rows are epochs here."""

    def epoch(self, point: EpochPoint) -> None:
        self.live.step = point.step
        self.live.log_metric("loss", point.loss)
        self.live.log_metric("learning_rate", point.learning_rate)
        if point.miou_percent is not None:
            self.live.log_metric("miou_percent", point.miou_percent)
        self.live.make_summary()

    def picture(self, step: int, pixels: np.ndarray) -> None:
        self.live.step = step
        self.live.log_image("prediction.png", pixels)

    def close(self) -> None:
        self.live.end()


WATCHERS: dict[str, type[TensorBoard] | type[DvcLive]] = {"dvclive": DvcLive, "tensorboard": TensorBoard}
