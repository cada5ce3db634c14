"""Patch-wise operators: every patch of a map is processed with weights of its own.

The heart of the network. A map x of shape (B, C, H, W) is cut into a grid of gh x gw patches of ph = H / gh by
pw = W / gw pixels; patch (i, j) uses the weights of cell (i, j) of ``weights``, shape (B, P, gh, gw), where P is
``shape.weights``. Inside this module the patches of a batch are one axis of N = B * gh * gw, cells in row order.

Flat order of one patch's P weights:

- ``conv``: (output, input).
- both blocks: expansion (hidden, input), depthwise (hidden, 3, 3), projection (output, hidden).

In training the batch norms run on the patches, so their statistics count halo pixels once for every patch that holds
them, as in the published implementation.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hyperseg.models.layout import LevelShape

Grid = tuple[int, int]  # patches along height and width
Activation = Literal["none", "relu", "relu6"]


class LevelOperator(Protocol):
    """One decoder level as a function."""

    def __call__(self, x: Tensor, weights: Tensor, shape: LevelShape, norms: Sequence[nn.Module]) -> Tensor:
        """Map ``x`` (B, shape.inputs, H, W) and ``weights`` (B, shape.weights, gh, gw) to (B, shape.outputs, H, W).

        ``norms`` are the batch norms after each convolution, one for ``conv`` and three for the blocks.
        """
        ...


class Patchwise:
    """The three kinds of level, each from ``x`` (B, inputs, H, W) to (B, outputs, H, W); a :class:`LevelOperator`.

    It has no state. Kernels override the methods below the operators, each one step of a level.
    """

    def __call__(self, x: Tensor, weights: Tensor, shape: LevelShape, norms: Sequence[nn.Module]) -> Tensor:
        operator: LevelOperator = getattr(self, shape.kind)
        return operator(x, weights, shape, norms)

    def conv(self, x: Tensor, weights: Tensor, shape: LevelShape, norms: Sequence[nn.Module]) -> Tensor:
        """1x1 convolution, batch norm, ReLU."""
        batch, grid = x.shape[0], (weights.shape[2], weights.shape[3])
        y = self.pointwise(split(x, grid), weight_sets(weights, (shape.weights,))[0], norms[0], "relu")
        return merge(y, batch, grid)

    def block(self, x: Tensor, weights: Tensor, shape: LevelShape, norms: Sequence[nn.Module]) -> Tensor:
        """Inverted residual block: expansion on patch and halo with the patch's own weights, depthwise, projection.

        The map is padded by one pixel, reflecting, before the patches are cut with a halo of one pixel. Two neighbours
        therefore compute different hidden values for the pixels they share.
        """
        batch, grid = x.shape[0], (weights.shape[2], weights.shape[3])
        patches = self.split_with_halo(x, grid)
        y = merge(self.bottleneck(patches, weight_sets(weights, block_counts(shape)), norms), batch, grid)
        return x + y if shape.inputs == shape.outputs else y

    def shared_halo_block(self, x: Tensor, weights: Tensor, shape: LevelShape, norms: Sequence[nn.Module]) -> Tensor:
        """Inverted residual block of the VOC form: the halo of the depthwise convolution holds the neighbours' values.

        The hidden map is put together before it is padded, reflecting, and cut again with a halo of one pixel.
        """
        batch, grid = x.shape[0], (weights.shape[2], weights.shape[3])
        expand, filters, project = weight_sets(weights, block_counts(shape))
        y = self.pointwise(split(x, grid), expand, norms[0], "relu6")
        y = self.split_with_halo(merge(y, batch, grid), grid)
        y = self.depthwise(y, filters, norms[1], "relu6")
        y = merge(self.pointwise(y, project, norms[2]), batch, grid)
        return x + y if shape.inputs == shape.outputs else y

    def bottleneck(self, patches: Tensor, weights: Sequence[Tensor], norms: Sequence[nn.Module]) -> Tensor:
        """Expansion, depthwise convolution and projection: patches (N, I, h + 2, w + 2) to (N, O, h, w)."""
        expand, filters, project = weights
        y = self.pointwise(patches, expand, norms[0], "relu6")
        y = self.depthwise(y, filters, norms[1], "relu6")
        return self.pointwise(y, project, norms[2])

    def split_with_halo(self, x: Tensor, grid: Grid) -> Tensor:
        """See :func:`split_with_halo`."""
        return split_with_halo(x, grid)

    def pointwise(self, patches: Tensor, weights: Tensor, norm: nn.Module, activation: Activation = "none") -> Tensor:
        """1x1 convolution, batch norm and activation: patches (N, I, h, w) and weights (N, O * I) to (N, O, h, w)."""
        count, inputs, height, width = patches.shape
        y = torch.bmm(weights.reshape(count, -1, inputs), patches.reshape(count, inputs, height * width))
        return self.normalize(y.reshape(count, -1, height, width), norm, activation)

    def depthwise(self, patches: Tensor, filters: Tensor, norm: nn.Module, activation: Activation = "none") -> Tensor:
        """Valid 3x3 depthwise convolution, batch norm and activation.

        Patches (N, C, h + 2, w + 2) and filters (N, C * 9) to (N, C, h, w).
        """
        return self.normalize(depthwise(patches, filters), norm, activation)

    def normalize(self, y: Tensor, norm: nn.Module, activation: Activation) -> Tensor:
        """Batch norm and activation of patches (N, C, h, w)."""
        return activate(norm(y), activation)


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


def depthwise(patches: Tensor, filters: Tensor, bias: Tensor | None = None) -> Tensor:
    """Valid 3x3 depthwise convolution as one of N * C groups.

    Patches (N, C, h + 2, w + 2), filters (N, C * 9) and a bias (C,) to (N, C, h, w).
    """
    count, channels, height, width = patches.shape
    y = F.conv2d(
        patches.reshape(1, count * channels, height, width),
        filters.reshape(count * channels, 1, 3, 3),
        None if bias is None else bias.repeat(count),
        groups=count * channels,
    )
    return y.reshape(count, channels, height - 2, width - 2)


def activate(y: Tensor, activation: Activation) -> Tensor:
    """In place when no gradients are needed: ``y`` is an operator's own output, and the largest map of a pass."""
    if activation == "none":
        return y
    in_place = not torch.is_grad_enabled()
    return F.relu(y, inplace=in_place) if activation == "relu" else F.relu6(y, inplace=in_place)


def _with_neighbours(x: Tensor, dim: int) -> Tensor:
    """Extend the axis ``dim`` of cells by the adjoining line of both neighbours along the axis ``dim - 1``.

    The first and the last cell have a neighbour on one side only; there the map is reflected about its border line.
    """
    size, cells = x.shape[dim], x.shape[dim - 1]
    first, last = x.narrow(dim, 0, 1), x.narrow(dim, size - 1, 1)
    if size > 1:
        top, bottom = x.narrow(dim, 1, 1), x.narrow(dim, size - 2, 1)
    else:  # reflecting a cell of one line gives its neighbour's line
        top, bottom = first.roll(-1, dim - 1), last.roll(1, dim - 1)
    before = torch.cat((top.narrow(dim - 1, 0, 1), last.narrow(dim - 1, 0, cells - 1)), dim - 1)
    after = torch.cat((first.narrow(dim - 1, 1, cells - 1), bottom.narrow(dim - 1, cells - 1, 1)), dim - 1)
    return torch.cat((before, x, after), dim)


def block_counts(shape: LevelShape) -> tuple[int, int, int]:
    """Weights of expansion, depthwise convolution and projection."""
    return shape.hidden * shape.inputs, shape.hidden * 9, shape.outputs * shape.hidden
