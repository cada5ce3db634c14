"""The decoder's levels in PyTorch's operators, for inference in eager mode and for a compiler.

Attach one of them to the levels inside any network, in place; a network that has none stays as it is.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hyperseg.kernels.batch_norm import scale_and_shift
from hyperseg.models import patchwise
from hyperseg.models.decoder import Level
from hyperseg.models.patchwise import Activation, LevelOperator, Patchwise

PARTS = 8  # in so many parts the patches go through a block on a CPU


def attach_eager(network: nn.Module) -> None:
    """Run the levels by :class:`EagerPatchwise`."""
    attach(network, EagerPatchwise())


def attach_shifted(network: nn.Module) -> None:
    """Run the levels by :class:`ShiftedPatchwise`."""
    attach(network, ShiftedPatchwise())


def attach(network: nn.Module, operator: LevelOperator) -> None:
    """Give every decoder level inside ``network`` the operator."""
    for module in network.modules():
        if isinstance(module, Level):
            module.operator = operator


class FoldedPatchwise(Patchwise):
    """In eval mode each batch norm is folded into the generated weights before it; in training it runs."""

    def pointwise(self, patches: Tensor, weights: Tensor, norm: nn.Module, activation: Activation = "none") -> Tensor:
        folded = scale_and_shift(norm)
        if folded is None:
            return super().pointwise(patches, weights, norm, activation)
        scale, shift = folded
        count, inputs, height, width = patches.shape
        matrices = weights.reshape(count, -1, inputs) * scale[:, None]
        y = torch.baddbmm(shift[:, None], matrices, patches.reshape(count, inputs, height * width))
        return patchwise.activate(y.reshape(count, -1, height, width), activation)

    def depthwise(self, patches: Tensor, filters: Tensor, norm: nn.Module, activation: Activation = "none") -> Tensor:
        folded = scale_and_shift(norm)
        if folded is None:
            return super().depthwise(patches, filters, norm, activation)
        scale, shift = folded
        filters = filters.reshape(*patches.shape[:2], 9) * scale[:, None]
        return patchwise.activate(patchwise.depthwise(patches, filters, shift), activation)


class EagerPatchwise(FoldedPatchwise):
    """For inference in eager mode.

    Without gradients on a CPU the patches go through a block in :data:`PARTS` parts, so that hidden maps stay small;
    the parts' answers are those of the whole, bit by bit.
    """

    def bottleneck(self, patches: Tensor, weights: Sequence[Tensor], norms: Sequence[nn.Module]) -> Tensor:
        if patches.device.type != "cpu" or torch.is_grad_enabled() or any(norm.training for norm in norms):
            return super().bottleneck(patches, weights, norms)
        parts = zip(*(tensor.chunk(PARTS) for tensor in (patches, *weights)), strict=True)
        return torch.cat([super(EagerPatchwise, self).bottleneck(cells, own, norms) for cells, *own in parts])


class ShiftedPatchwise(FoldedPatchwise):
    """The depthwise convolution as nine products of shifted patches.

    TorchInductor joins them with the cut before and the activation after into one loop, where a convolution of
    thousands of groups is a call of a library on copies in its own layout.
    """

    def depthwise(self, patches: Tensor, filters: Tensor, norm: nn.Module, activation: Activation = "none") -> Tensor:
        kernels = filters.reshape(*patches.shape[:2], 9)
        folded = scale_and_shift(norm)
        if folded is None:
            return self.normalize(shifted_sum(patches, kernels), norm, activation)
        scale, shift = folded
        y = shifted_sum(patches, kernels * scale[:, None]) + shift[:, None, None]
        return patchwise.activate(y, activation)


def shifted_sum(patches: Tensor, kernels: Tensor) -> Tensor:
    """Valid 3x3 depthwise convolution: patches (N, C, h + 2, w + 2) and kernels (N, C, 9) to (N, C, h, w)."""
    height, width = patches.shape[2] - 2, patches.shape[3] - 2
    y = patches.new_zeros(())
    for tap in range(9):
        dy, dx = divmod(tap, 3)
        y = y + patches[:, :, dy : dy + height, dx : dx + width] * kernels[:, :, tap, None, None]
    return y
