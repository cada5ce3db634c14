"""Decoder levels that train by this package's kernels on a CPU."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hyperseg.kernels.native import training_depthwise, training_maps, training_norm, training_patches
from hyperseg.kernels.operators import EagerPatchwise
from hyperseg.models import decoder
from hyperseg.models.patchwise import Activation, Grid

# Up to so many filters (patches x channels) PyTorch's own depthwise convolution stays: it costs little there, and it
# rounds as the published implementation, which a few Adam steps on a small batch make visible.
FEW_FILTERS = 4096
# From so many patches on, the batch norms run in C++: the batches for which the backbone does (`LARGE_BATCH` of
# :mod:`hyperseg.kernels.native.training`), as a patch is 32 x 32 pixels of an image.
MANY_PATCHES = 128


class TrainingPatchwise(EagerPatchwise):
    """Levels whose patches are cut, convolved and normalized in C++ in training, and eagerly in eval mode."""

    def split_with_halo(self, x: Tensor, grid: Grid) -> Tensor:
        if x.requires_grad and min(x.shape[2:]) > 1 and training_norm.trains_natively(x):
            return training_patches.split_with_halo(x, grid)
        return super().split_with_halo(x, grid)

    def depthwise(self, patches: Tensor, filters: Tensor, norm: nn.Module, activation: Activation = "none") -> Tensor:
        if not _has_own_backward(patches, norm):
            return super().depthwise(patches, filters, norm, activation)
        y = training_depthwise.depthwise(patches, filters.reshape(*patches.shape[:2], 9))
        return self.normalize(y, norm, activation)

    def normalize(self, y: Tensor, norm: nn.Module, activation: Activation) -> Tensor:
        if isinstance(norm, nn.BatchNorm2d) and y.shape[0] >= MANY_PATCHES and training_norm.fits(y, norm):
            return training_norm.norm_activate(y, norm, activation)
        return super().normalize(y, norm, activation)


def resize(x: Tensor, size: Sequence[int]) -> Tensor:
    """:func:`hyperseg.models.decoder.resize` whose gradient, where it doubles a map in training, is taken in C++."""
    doubled = (2 * x.shape[-2], 2 * x.shape[-1]) == tuple(size)
    if doubled and x.requires_grad and training_norm.trains_natively(x):
        return training_maps.upsample2(x)
    return decoder.resize(x, size)


def _has_own_backward(patches: Tensor, norm: nn.Module) -> bool:
    """Whether a depthwise convolution of these patches trains through ``training_depthwise``."""
    if not norm.training or patches.device.type != "cpu" or not torch.is_grad_enabled():
        return False
    many = patches.shape[0] >= MANY_PATCHES or patches.shape[0] * patches.shape[1] > FEW_FILTERS
    return many and not torch.compiler.is_compiling()
