"""The exponential moving average of a network's weights, kept beside those that are trained."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class WeightAverage:
    """Averages of every weight and of the statistics of every batch norm, `tensors` by the names of a state dict.

    In the first steps the decay is (1 + step) / (10 + step) where that is smaller: the initial values then weigh
    little. This is the rule of TensorFlow's ExponentialMovingAverage, with which EfficientNets were trained.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.tensors = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take in the weights after `step` steps."""
        average = get_ema_multi_avg_fn(min(self.decay, (1 + step) / (10 + step)))
        ours, theirs = [], []
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                ours.append(self.tensors[name])
                theirs.append(tensor.detach())
            else:  # a count of batches
                self.tensors[name].copy_(tensor)
        average(ours, theirs, step)

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take the values of a checkpoint."""
        for name, tensor in self.tensors.items():
            tensor.copy_(tensors[name])

    @contextmanager
    def in_place(self, model: nn.Module) -> Iterator[None]:
        """`model` has the averages within, its own weights again afterwards."""
        trained = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
        model.load_state_dict(self.tensors)
        try:
            yield
        finally:
            model.load_state_dict(trained)
