"""How a cell's generated weights lie: one row for each cell, in which kernels load whole vectors without masks.

A level's inputs are split into three: *points*, which are few and multiplied one by one (the two coordinates, and the
image's three channels where the image is the skip); the skip; and the previous level's output. Skip, previous output,
hidden and output channels are padded to multiples of 16, the last of them zeros. A level's part of the row is

- ``conv``: matrix (outputs, skip + previous), points (points, outputs);
- blocks: matrix (hidden, skip + previous), points (points, hidden), taps (9, hidden), projection (outputs, hidden).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from hyperseg.kernels.triton.launch import round_up
from hyperseg.models.layout import LevelShape

VECTOR = 16


@dataclass(frozen=True)
class LevelRow:
    """A level's part of the row: padded widths, and where each of its parts begins."""

    shape: LevelShape
    skip_channels: int
    image: bool  # the skip is the image
    begin: int

    @property
    def points(self) -> int:
        return 2 + (self.skip_channels if self.image else 0)

    @property
    def skip(self) -> int:
        return 0 if self.image else round_up(self.skip_channels, VECTOR)

    @property
    def previous(self) -> int:
        return round_up(self.shape.inputs - 2 - self.skip_channels, VECTOR)

    @property
    def depth(self) -> int:
        return self.skip + self.previous

    @property
    def outputs(self) -> int:
        return round_up(self.shape.outputs, VECTOR)

    @property
    def middle(self) -> int:
        """What the first product gives: outputs of a 1x1 level, hidden values of a block."""
        return self.outputs if self.shape.kind == "conv" else round_up(self.shape.hidden, VECTOR)

    @property
    def at_points(self) -> int:
        return self.begin + self.middle * self.depth

    @property
    def at_taps(self) -> int:
        return self.at_points + self.points * self.middle

    @property
    def at_projection(self) -> int:
        return self.at_taps + 9 * self.middle

    @property
    def end(self) -> int:
        if self.shape.kind == "conv":
            return self.at_taps
        return self.at_projection + self.outputs * self.middle

    def sources(self) -> Tensor:
        """For each place of this part, int64 (end - begin,), the weight in the level's flat order; -1 for a zero."""
        shape = self.shape
        first = shape.outputs if shape.kind == "conv" else shape.hidden
        expand = torch.arange(first * shape.inputs).reshape(first, shape.inputs)
        matrix = torch.full((self.middle, self.depth), -1)
        if self.skip:
            matrix[:first, : self.skip_channels] = expand[:, 2 : 2 + self.skip_channels]
        before = shape.inputs - 2 - self.skip_channels
        matrix[:first, self.skip : self.skip + before] = expand[:, 2 + self.skip_channels :]
        points = torch.full((self.points, self.middle), -1)
        points[:, :first] = expand[:, : self.points].t()
        parts = [matrix, points]
        if shape.kind != "conv":
            taps = torch.full((9, self.middle), -1)
            taps[:, :first] = (expand.numel() + torch.arange(first * 9)).reshape(first, 9).t()
            projection = torch.full((self.outputs, self.middle), -1)
            flat = 9 * first + expand.numel() + torch.arange(shape.outputs * first)
            projection[: shape.outputs, :first] = flat.reshape(shape.outputs, first)
            parts += [taps, projection]
        return torch.cat([part.flatten() for part in parts])


def level_rows(shapes: tuple[LevelShape, ...], image_last: bool) -> list[LevelRow]:
    """The parts of all levels, one after the other; ``image_last`` says that the last level's skip is the image."""
    rows: list[LevelRow] = []
    before = 0
    for index, shape in enumerate(shapes):
        image = image_last and index == len(shapes) - 1
        rows.append(LevelRow(shape, shape.inputs - 2 - before, image, rows[-1].end if rows else 0))
        before = shape.outputs
    return rows
