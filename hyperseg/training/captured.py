"""Training steps on a GPU as one CUDA graph: the host starts a step, not each of its thousands of kernels."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from hyperseg.errors import UserError
from hyperseg.kernels.graphs import Captured, capture, run_beside
from hyperseg.training.parallel import Processes
from hyperseg.training.recipe import Recipe
from hyperseg.training.step import ALONE, StepOutcome, train_step

WARM_UP = 3  # steps kernel by kernel: libraries choose their algorithms and allocate workspaces


def captures(recipe: Recipe, device: torch.device, among: Processes = ALONE) -> bool:
    """Whether a step of this training can be captured, because the host reads nothing from it.

    A float16 loss is scaled by a factor that the host reads, processes exchange gradients, and the share of a part of
    a batch is counted on the host.
    """
    if not recipe.cuda_graph:
        return False
    counts = recipe.accumulate > 1 and recipe.loss == "cross_entropy"
    return device.type == "cuda" and recipe.precision != "float16" and among.count == 1 and not counts


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float, device: torch.device) -> None:
    """Set the rate of every group; on a GPU in memory that a captured step reads."""
    for group in optimizer.param_groups:
        if device.type != "cuda":
            group["lr"] = rate
        elif isinstance(group["lr"], Tensor) and group["lr"].device.type == "cuda":
            group["lr"].fill_(rate)
        else:
            group["lr"] = torch.tensor(rate, device=device)


class CapturedSteps:
    """Steps of :func:`train_step` on batches of one shape, images uint8 (B, H, W, 3) and labels uint8 (B, H, W).

    The first :data:`WARM_UP` run kernel by kernel, the next is captured, and it and those after it are replayed. A
    replay runs the kernels of a plain step in their order: the weights are the same. A batch of another shape takes a
    plain step; so do all where the step has something that cannot be captured, which `say` is told. Raises
    :class:`UserError` where the driver refuses the capture.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        recipe: Recipe,
        device: torch.device,
        say: Callable[[str], None] = print,
    ) -> None:
        self.model, self.optimizer, self.recipe, self.device, self.say = model, optimizer, recipe, device, say
        self.batch: tuple[Tensor, Tensor] | None = None  # what every step reads
        self.captured: Captured[StepOutcome] | None = None
        self.taken = 0
        self.failed = False

    def __call__(self, images: Tensor, labels: Tensor, *, look: bool = False) -> StepOutcome:
        """One step; the outcome's tensors are the caller's."""
        if self.batch is None:
            self.batch = (torch.empty_like(images, device=self.device), torch.empty_like(labels, device=self.device))
        if self.failed or images.shape != self.batch[0].shape:
            return self._plain((images, labels), look)
        for place, given in zip(self.batch, (images, labels), strict=True):
            place.copy_(given, non_blocking=True)
        batch = self.batch
        self.taken += 1
        if self.taken <= WARM_UP:  # load every kernel now: older drivers cannot during a capture
            ran = run_beside(lambda: self._plain(batch, look=True), self.device)
            return ran if look else replace(ran, constant=None)
        if self.captured is None:
            self._capture(batch)
        if self.captured is None:
            return self._plain(batch, look)
        made = self.captured()
        norm = None if made.gradient_norm is None else made.gradient_norm.clone()
        constant = made.constant.clone() if look and made.constant is not None else None
        return StepOutcome(made.loss.clone(), norm, constant)

    def _capture(self, batch: tuple[Tensor, Tensor]) -> None:
        """Capture a step, or say why not. With this call ends what a failed capture held, all memory of a step."""
        self.optimizer.zero_grad(set_to_none=True)  # gradients must be allocated in the graph's memory
        try:
            self.captured = capture(lambda: self._plain(batch, look=True), self.device)
        except RuntimeError as error:
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            if isinstance(error, torch.AcceleratorError):  # an error of the driver: the state may have changed
                raise UserError(
                    f"a training step cannot be captured as a CUDA graph here ({first}); "
                    "set training.cuda_graph to false and start again"
                ) from error
            self.failed = True
            self.say(f"a training step cannot be captured here ({first}); its kernels are started one by one")

    def _plain(self, batch: tuple[Tensor, Tensor], look: bool) -> StepOutcome:
        return train_step(self.model, *batch, self.optimizer, self.recipe, self.device, look=look)
