"""The decoder as a list of kernel calls: skips and signal to planes of logits."""

from collections.abc import Sequence

from torch import Tensor

from hyperseg.errors import UserError
from hyperseg.kernels.inference import Shift
from hyperseg.kernels.triton.blocks import block_launches
from hyperseg.kernels.triton.generators import generate_launch
from hyperseg.kernels.triton.launch import Launch
from hyperseg.kernels.triton.levels import conv_launch
from hyperseg.kernels.triton.rows import level_rows
from hyperseg.models.decoder import Decoder, Level, WeightGenerator


class DecoderPlan:
    """The calls of a fused decoder; ``planes`` (classes, H * W) of ``size`` (H, W) are its answer.

    ``skips`` are maps (h * w, C), deepest first, with channels padded to 16; ``image`` (3, H, W) is the last skip
    where there are more levels than skips; ``signal`` is (cells, S) over ``grid`` cells.
    """

    def __init__(
        self,
        decoder: Decoder,
        skips: Sequence[Tensor],
        image: Tensor,
        signal: Tensor,
        grid: tuple[int, int],
        coarse: bool = False,
    ) -> None:
        levels = [level for level in decoder.levels if isinstance(level, Level)]
        generators = [generator for generator in decoder.generators if isinstance(generator, WeightGenerator)]
        rows = level_rows(decoder.shapes, image_last=len(levels) > len(skips))
        if rows[-1].shape.kind == "conv":
            raise UserError("engine triton has no kernel for a last level of 1x1 patches; choose another engine")
        launch, cells = generate_launch(generators, rows, signal, coarse)
        self.launches: list[Launch] = [launch]
        x: Tensor | None = None
        for index, (level, row) in enumerate(zip(levels, rows, strict=True)):
            skip = image if row.image else skips[index]
            shifts = [norm.shift for norm in level.norms if isinstance(norm, Shift)]
            if row.shape.kind == "conv":
                launch, x = conv_launch(row, cells, grid, skip, x, shifts[0])
                self.launches.append(launch)
            else:
                assert x is not None
                planes = row.shape.outputs if index == len(levels) - 1 else 0
                launches, x = block_launches(row, cells, grid, skip, x, shifts, planes, coarse)
                self.launches += launches
        assert x is not None
        self.planes = x
        scale = 2 ** (len(levels) - 1)  # the deepest level has a pixel a cell
        self.size = (grid[0] * scale, grid[1] * scale)
