"""The decoder: dynamic weights from the signal, and levels of patch-wise operators from /32 up to the image."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hyperseg.models.layout import GeneratorShape, LevelShape
from hyperseg.models.patchwise import LevelOperator, Patchwise

Resize = Callable[[Tensor, Sequence[int]], Tensor]


class WeightGenerator(nn.Conv2d):
    """Grouped 1x1 convolution without bias from a slice of the signal to the weights of one or two levels.

    Maps the signal (B, S, gh, gw) to one tensor (B, count, gh, gw) for each level it serves.
    """

    def __init__(self, shape: GeneratorShape) -> None:
        super().__init__(shape.end - shape.begin, shape.outputs, 1, groups=shape.groups, bias=False)
        self.shape = shape

    def forward(self, signal: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        return self.divide(super().forward(signal[:, self.shape.begin : self.shape.end]))

    def divide(self, weights: Tensor) -> tuple[Tensor, ...]:
        """All weights (B, outputs, gh, gw) by level, without the surplus from rounding up to whole groups."""
        surplus = self.shape.outputs - sum(self.shape.counts)
        return weights.split([*self.shape.counts, surplus], dim=1)[: len(self.shape.counts)]


class Level(nn.Module):
    """One decoder level: batch norms of its own, weights from outside.

    ``operator`` does the work, :class:`hyperseg.models.patchwise.Patchwise` or another of the same signature:
    assign one to run this level with a faster kernel.
    """

    operator: LevelOperator

    def __init__(self, shape: LevelShape) -> None:
        super().__init__()
        self.shape = shape
        channels = (shape.outputs,) if shape.kind == "conv" else (shape.hidden, shape.hidden, shape.outputs)
        self.norms = nn.ModuleList(nn.BatchNorm2d(c) for c in channels)
        self.operator = Patchwise()

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        """Map (B, inputs, H, W) and weights (B, P, gh, gw) to (B, outputs, H, W)."""
        return self.operator(x, weights, self.shape, list(self.norms))


class Decoder(nn.Module):
    """Levels from the deepest up; each sees coordinates, its skip and the previous level's output, upsampled.

    ``resize`` upsamples, here and to the image's size; assign another of the same signature for a faster kernel.
    ``patch_cells`` is the height and width of a patch in cells of the signal, None for the whole image, which takes
    the signal's mean; levels without ``coordinates`` are an ablation.
    """

    resize: Resize

    def __init__(
        self,
        levels: Sequence[LevelShape],
        generators: Sequence[GeneratorShape],
        patch_cells: int | None = 1,
        coordinates: bool = True,
    ) -> None:
        super().__init__()
        self.patch_cells = patch_cells
        self.coordinates = coordinates
        self.shapes = tuple(levels)
        self.levels = nn.ModuleList(Level(shape) for shape in levels)
        self.generators = nn.ModuleList(WeightGenerator(shape) for shape in generators)
        self.resize = resize

    def forward(self, skips: Sequence[Tensor], signal: Tensor) -> Tensor:
        """Logits at the last skip's size, from ``skips`` (B, C_i, H_i, W_i), deepest first, and the signal at /32."""
        signal = self.pool(signal)
        weights = [w for generator in self.generators for w in generator(signal)]
        x: Tensor | None = None
        for level, skip, level_weights in zip(self.levels, skips, weights, strict=True):
            parts = [coordinates(skip), skip] if self.coordinates else [skip]
            if x is not None:
                parts.append(self.resize(x, skip.shape[-2:]))
            x = level(torch.cat(parts, dim=1), level_weights)
        assert x is not None
        return x

    def pool(self, signal: Tensor) -> Tensor:
        """The signal (B, S, gh, gw), one cell for each patch: as it is where a patch is a cell."""
        if self.patch_cells is None:
            return signal.mean((2, 3), keepdim=True)
        return signal if self.patch_cells == 1 else F.avg_pool2d(signal, self.patch_cells)


def resize(x: Tensor, size: Sequence[int]) -> Tensor:
    """Bilinear interpolation of (B, C, H, W) to ``size`` (h, w), the published ``align_corners=False``."""
    if tuple(x.shape[-2:]) == tuple(size):
        return x
    return F.interpolate(x, tuple(size), mode="bilinear", align_corners=False)


def coordinates(like: Tensor) -> Tensor:
    """x and y from -1 to 1 inclusive over the map ``like`` (B, C, H, W): (B, 2, H, W)."""
    batch, _, height, width = like.shape
    x = torch.linspace(-1, 1, width, device=like.device, dtype=like.dtype)
    y = torch.linspace(-1, 1, height, device=like.device, dtype=like.dtype)
    grid = torch.stack((x.expand(height, width), y[:, None].expand(height, width)))
    return grid.expand(batch, -1, -1, -1)
