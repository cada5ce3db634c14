"""Data-parallel training under ``torchrun``: the same global batch, the same loss curve, one writer.

Every process runs its share of each batch's images. Gradients are averaged by DistributedDataParallel, batch norm takes
its statistics over the whole batch, and the reported loss is the whole batch's.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

T = TypeVar("T")

WAIT = timedelta(hours=12)  # for the process that scores an epoch


@dataclass(frozen=True)
class Processes:
    """This process among those of a training; a training in one process is rank 0 of 1."""

    rank: int = 0
    count: int = 1

    @property
    def writes(self) -> bool:
        """Whether this is the process that writes files and speaks."""
        return self.rank == 0

    def any(self, flag: bool) -> bool:
        """Whether any process says so; all get the same answer."""
        if self.count == 1:
            return flag
        told = torch.tensor(float(flag))
        dist.all_reduce(told, dist.ReduceOp.MAX)
        return bool(told.item())

    def from_writer(self, make: Callable[[], T]) -> T:
        """What the writing process makes, in every process."""
        if self.count == 1:
            return make()
        found: list[Any] = [make() if self.writes else None]
        dist.broadcast_object_list(found)
        result: T = found[0]
        return result

    def mean(self, values: Tensor) -> Tensor:
        """The mean over processes."""
        if self.count == 1:
            return values
        values = values.clone()
        dist.all_reduce(values)
        return values / self.count

    def total(self, value: int) -> int:
        """The sum over processes."""
        if self.count == 1:
            return value
        found = torch.tensor(value)
        dist.all_reduce(found)
        return int(found)


@contextmanager
def processes(device: torch.device) -> Iterator[Processes]:
    """The processes that ``torchrun`` started, connected; alone where it did not start this one."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes()
        return
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo", timeout=WAIT)
    try:
        yield Processes(dist.get_rank(), count)
    finally:
        dist.destroy_process_group()


def distribute(model: nn.Module, among: Processes) -> nn.Module:
    """The model as it is stepped: itself, or inside a DistributedDataParallel that averages gradients."""
    if among.count == 1:
        return model
    # Buffers are running statistics, the same in every process where they are synchronized; parts of the released
    # networks have no effect on the output, and so no gradient.
    return nn.parallel.DistributedDataParallel(model, broadcast_buffers=False, find_unused_parameters=True)


class SynchronizedBatchNorm(TorchFunctionMode):
    """Inside it, every batch norm in training takes its statistics over all processes, on a CPU as on a GPU."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is F.batch_norm and kwargs.get("training"):
            return _batch_norm(*args, **kwargs)
        return func(*args, **kwargs)


def _batch_norm(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor,
    bias: Tensor,
    training: bool,
    momentum: float,
    eps: float,
) -> Tensor:
    """Batch norm of (N, C, H, W) with the statistics of every process's x; its gradient crosses processes too."""
    sizes = (0, 2, 3)
    shape = (1, -1, 1, 1)
    values = x.float() if x.dtype.itemsize < 4 else x  # as F.batch_norm computes
    count = x.numel() // x.shape[1] * dist.get_world_size()  # every process has as many
    mean = _Sum.apply(values.sum(sizes)) / count
    centred = values - mean.view(shape)
    variance = _Sum.apply(centred.square().sum(sizes)) / count
    if running_mean is not None and running_var is not None:
        with torch.no_grad():
            running_mean.lerp_(mean.detach().to(running_mean.dtype), momentum)
            running_var.lerp_((variance.detach() * count / (count - 1)).to(running_var.dtype), momentum)
    scale = (weight * torch.rsqrt(variance + eps)).view(shape)
    return torch.addcmul(bias.view(shape), centred, scale).to(x.dtype)


class _Sum(torch.autograd.Function):
    """The sum of a tensor over all processes."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        x = x.contiguous().clone()
        dist.all_reduce(x)
        return x

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        gradient = gradients[0].contiguous().clone()
        dist.all_reduce(gradient)
        return gradient
