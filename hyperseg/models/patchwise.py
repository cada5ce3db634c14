"""Patch-wise operators: every patch of a map is processed with weights of its own.

The heart of the network. A map x of shape (B, C, H, W) is cut into a grid of gh x gw patches of ph = H / gh by
pw = W / gw pixels; patch (i, j) uses the weights of cell (i, j) of ``weights``, shape (B, P, gh, gw), where P is
``shape.weights``. Inside this module the patches of a batch are one axis of N = B * gh * gw, cells in row order.

Flat order of one patch's P weights:

- ``conv``: (output, input).
- both blocks: expansion (hidden, input), depthwise (hidden, 3, 3), projection (output, hidden).

Every operator has the signature of :class:`LevelOperator` and is a pure function of the map, the weights and its batch
norms, so a faster kernel for a level is one function of the same signature, put in place as ``level.operator``
(:class:`hyperseg.models.decoder.Level`, the only caller). In eval mode a batch norm is folded into the weights that
precede it; in training it runs on the patches, so its statistics count halo pixels once for every patch that holds
them, as in the published implementation.
"""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hyperseg.kernels.native import training_depthwise, training_norm, training_patches
from hyperseg.models.layout import Kind, LevelShape

Grid = tuple[int, int]  # patches along height and width
# Up to so many filters (patches x channels), training on a CPU keeps PyTorch's own depthwise convolution: it costs
# little there, and it rounds as the published implementation, which a few Adam steps on a small batch make visible.
FEW_FILTERS = 4096
# From so many patches on, the batch norms train on a CPU with a kernel of this project: the batches for which the
# backbone does, see :data:`hyperseg.models.backbone.LARGE_BATCH`, as a patch is 32 x 32 pixels of an image.
MANY_PATCHES = 128
# In so many parts the patches go through a block in inference on a CPU.
PARTS = 8
Activation = Literal["none", "relu", "relu6"]


class LevelOperator(Protocol):
    """One decoder level as a function."""

    def __call__(self, x: Tensor, weights: Tensor, shape: LevelShape, norms: Sequence[nn.Module]) -> Tensor:
        """Map ``x`` (B, shape.inputs, H, W) and ``weights`` (B, shape.weights, gh, gw) to (B, shape.outputs, H, W).

        ``norms`` are the batch norms after each convolution, one for ``conv`` and three for the blocks.
        """
        ...


def conv(x: Tensor, weights: Tensor, shape: LevelShape, norms: Sequence[nn.Module]) -> Tensor:
    """1x1 convolution, batch norm, ReLU."""
    batch, grid = x.shape[0], (weights.shape[2], weights.shape[3])
    y = pointwise(split(x, grid), weight_sets(weights, (shape.weights,))[0], norms[0], "relu")
    return merge(y, batch, grid)


def block(x: Tensor, weights: Tensor, shape: LevelShape, norms: Sequence[nn.Module]) -> Tensor:
    """Inverted residual block: expansion on patch and halo with the patch's own weights, depthwise, projection.

    The map is padded by one pixel, reflecting, before the patches are cut with a halo of one pixel. Two neighbours
    therefore compute different hidden values for the pixels they share.
    """
    batch, grid = x.shape[0], (weights.shape[2], weights.shape[3])

    def run(patches: Tensor, expand: Tensor, filters: Tensor, project: Tensor) -> Tensor:
        y = pointwise(patches, expand, norms[0], "relu6")
        y = depthwise(y, filters, norms[1], "relu6")
        return pointwise(y, project, norms[2])

    y = _by_parts(run, norms, split_with_halo(x, grid), *weight_sets(weights, _block_counts(shape)))
    y = merge(y, batch, grid)
    return x + y if shape.inputs == shape.outputs else y


def shared_halo_block(x: Tensor, weights: Tensor, shape: LevelShape, norms: Sequence[nn.Module]) -> Tensor:
    """Inverted residual block of the VOC form: the halo of the depthwise convolution holds the neighbours' values.

    The hidden map is put together before it is padded, reflecting, and cut again with a halo of one pixel.
    """
    batch, grid = x.shape[0], (weights.shape[2], weights.shape[3])
    expand, filters, project = weight_sets(weights, _block_counts(shape))
    y = pointwise(split(x, grid), expand, norms[0], "relu6")
    y = split_with_halo(merge(y, batch, grid), grid)
    y = depthwise(y, filters, norms[1], "relu6")
    y = merge(pointwise(y, project, norms[2]), batch, grid)
    return x + y if shape.inputs == shape.outputs else y


OPERATORS: dict[Kind, LevelOperator] = {"conv": conv, "block": block, "shared_halo_block": shared_halo_block}


def split(x: Tensor, grid: Grid) -> Tensor:
    """Cut a map (B, C, H, W) into patches (N, C, ph, pw)."""
    batch, channels, height, width = x.shape
    rows, columns = grid
    ph, pw = height // rows, width // columns
    cells = x.reshape(batch, channels, rows, ph, columns, pw).permute(0, 2, 4, 1, 3, 5)
    return cells.reshape(batch * rows * columns, channels, ph, pw)


def split_with_halo(x: Tensor, grid: Grid) -> Tensor:
    """Cut a map (B, C, H, W) into patches (N, C, ph + 2, pw + 2), reflected at the map's border."""
    batch, channels, height, width = x.shape
    rows, columns = grid
    ph, pw = height // rows, width // columns
    if x.requires_grad and min(height, width) > 1 and training_norm.trains_natively(x):
        return training_patches.split_with_halo(x, grid)
    x = _with_neighbours(x.reshape(batch, channels, rows, ph, width), 3)
    x = _with_neighbours(x.reshape(batch, channels, rows, ph + 2, columns, pw), 5)
    return x.permute(0, 2, 4, 1, 3, 5).reshape(batch * rows * columns, channels, ph + 2, pw + 2)


def merge(patches: Tensor, batch: int, grid: Grid) -> Tensor:
    """Put patches (N, C, ph, pw) back into a map (B, C, gh * ph, gw * pw)."""
    rows, columns = grid
    _, channels, ph, pw = patches.shape
    cells = patches.reshape(batch, rows, columns, channels, ph, pw).permute(0, 3, 1, 4, 2, 5)
    return cells.reshape(batch, channels, rows * ph, columns * pw)


def weight_sets(weights: Tensor, counts: Sequence[int]) -> Sequence[Tensor]:
    """Weights (B, P, gh, gw) as one row per patch, (N, P), cut into parts of ``counts`` weights."""
    return weights.permute(0, 2, 3, 1).reshape(-1, weights.shape[1]).split(list(counts), dim=1)


def pointwise(patches: Tensor, weights: Tensor, norm: nn.Module, activation: Activation = "none") -> Tensor:
    """1x1 convolution, batch norm and activation: patches (N, I, h, w) and weights (N, O * I) to (N, O, h, w)."""
    count, inputs, height, width = patches.shape
    matrices = weights.reshape(count, -1, inputs)
    pixels = patches.reshape(count, inputs, height * width)
    folded = folded_norm(norm)
    if folded is None:
        return _normalized(torch.bmm(matrices, pixels).reshape(count, -1, height, width), norm, activation)
    scale, shift = folded
    y = torch.baddbmm(shift[:, None], matrices * scale[:, None], pixels)
    return _activated(y.reshape(count, -1, height, width), activation)


def depthwise(patches: Tensor, filters: Tensor, norm: nn.Module, activation: Activation = "none") -> Tensor:
    """Valid 3x3 depthwise convolution, batch norm, activation: (N, C, h + 2, w + 2) and (N, C * 9) to (N, C, h, w)."""
    count, channels, height, width = patches.shape
    kernels = filters.reshape(count, channels, 9)
    folded = folded_norm(norm)
    if folded is None and _has_own_backward(patches):
        return _normalized(training_depthwise.depthwise(patches, kernels), norm, activation)
    if folded is not None:
        kernels = kernels * folded[0][:, None]
    if torch.compiler.is_compiling() and not torch.compiler.is_exporting():
        y = _shifted_sum(patches, kernels)
        y = y if folded is None else y + folded[1][:, None, None]
    else:
        y = F.conv2d(
            patches.reshape(1, count * channels, height, width),
            kernels.reshape(count * channels, 1, 3, 3),
            None if folded is None else folded[1].repeat(count),
            groups=count * channels,
        ).reshape(count, channels, height - 2, width - 2)
    return _normalized(y, norm, activation) if folded is None else _activated(y, activation)


def _shifted_sum(patches: Tensor, kernels: Tensor) -> Tensor:
    """The valid depthwise convolution as nine products of shifted patches.

    TorchInductor joins them with the cut before and the activation after into one loop, where a convolution of
    thousands of groups is a call of a library on copies in its own layout.
    """
    height, width = patches.shape[2] - 2, patches.shape[3] - 2
    y = patches.new_zeros(())
    for tap in range(9):
        dy, dx = divmod(tap, 3)
        y = y + patches[:, :, dy : dy + height, dx : dx + width] * kernels[:, :, tap, None, None]
    return y


def _normalized(y: Tensor, norm: nn.Module, activation: Activation) -> Tensor:
    if isinstance(norm, nn.BatchNorm2d) and y.shape[0] >= MANY_PATCHES and training_norm.fits(y, norm):
        return training_norm.norm_activate(y, norm, activation)
    return _activated(norm(y), activation)


def _activated(y: Tensor, activation: Activation) -> Tensor:
    """Without gradients in place, in the operator's own answer: it is the largest map of a pass."""
    if activation == "none":
        return y
    in_place = not torch.is_grad_enabled()
    return F.relu(y, inplace=in_place) if activation == "relu" else F.relu6(y, inplace=in_place)


def _has_own_backward(patches: Tensor) -> bool:
    """Whether a depthwise convolution of these patches trains through ``training_depthwise``."""
    if patches.device.type != "cpu" or not torch.is_grad_enabled() or torch.compiler.is_compiling():
        return False
    return patches.shape[0] >= MANY_PATCHES or patches.shape[0] * patches.shape[1] > FEW_FILTERS


def _by_parts(run: Callable[..., Tensor], norms: Sequence[nn.Module], *inputs: Tensor) -> Tensor:
    """``run`` of patches and their weights; for inference on a CPU part by part, so that hidden maps stay small."""
    whole = (
        inputs[0].device.type != "cpu"
        or torch.is_grad_enabled()
        or any(norm.training for norm in norms)
        or torch.compiler.is_compiling()
        or torch.jit.is_tracing()
    )
    if whole:
        return run(*inputs)
    return torch.cat([run(*part) for part in zip(*(t.chunk(PARTS) for t in inputs), strict=True)])


def folded_norm(norm: nn.Module) -> tuple[Tensor, Tensor] | None:
    """Scale and shift, each of shape (C,), that a batch norm applies in eval mode; None where it has to run."""
    if not isinstance(norm, nn.BatchNorm2d) or norm.training:
        return None
    assert norm.running_var is not None
    assert norm.running_mean is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    return scale, norm.bias - norm.running_mean * scale


def _with_neighbours(x: Tensor, dim: int) -> Tensor:
    """Extend the last-but-nothing axis ``dim`` of cells by the adjoining line of both neighbours along ``dim - 1``.

    The first and the last cell have a neighbour on one side only; there the map is reflected about its border line.
    """
    size, cells = x.shape[dim], x.shape[dim - 1]
    first, last = x.narrow(dim, 0, 1), x.narrow(dim, size - 1, 1)
    if size > 1:
        top, bottom = x.narrow(dim, 1, 1), x.narrow(dim, size - 2, 1)
    else:  # a cell of one line reflects onto its neighbour's line
        top, bottom = first.roll(-1, dim - 1), last.roll(1, dim - 1)
    before = torch.cat((top.narrow(dim - 1, 0, 1), last.narrow(dim - 1, 0, cells - 1)), dim - 1)
    after = torch.cat((first.narrow(dim - 1, 1, cells - 1), bottom.narrow(dim - 1, cells - 1, 1)), dim - 1)
    return torch.cat((before, x, after), dim)


def _block_counts(shape: LevelShape) -> tuple[int, int, int]:
    return shape.hidden * shape.inputs, shape.hidden * 9, shape.outputs * shape.hidden
