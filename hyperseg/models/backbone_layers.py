"""The two layers in which the published backbone differs from timm's: fixed "SAME" padding, and Swish."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class FixedSameConv2d(nn.Conv2d):
    """A convolution whose "SAME" padding was fixed at construction: ``before`` lines first, ``after`` last."""

    def __init__(self, conv: nn.Conv2d, before: int, after: int) -> None:
        super().__init__(
            conv.in_channels, conv.out_channels, conv.kernel_size[0], conv.stride[0], groups=conv.groups, bias=False
        )
        self.weight = conv.weight
        self.pads = (before, after, before, after)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.pads))


class Swish(nn.Module):
    """x * sigmoid(x).

    In training it rounds as the published implementation does. PyTorch's fused SiLU differs in the last bit, which the
    VOC network's deepest batch norm, over two pixels on small crops, amplifies to a percent of the gradient.
    """

    def forward(self, x: Tensor) -> Tensor:
        return _SwishForTraining.apply(x) if self.training else F.silu(x, inplace=not torch.is_grad_enabled())


class _SwishForTraining(torch.autograd.Function):
    """x * sigmoid(x) in two roundings; keeps x alone for the backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.sigmoid(x).mul_(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return torch.ops.aten.silu_backward(grad, x)
