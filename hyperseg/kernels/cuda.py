"""A fused network in operators that suit a GPU and its compiler: what the engine `cudagraph` captures.

Everything here is PyTorch and runs anywhere, so its answers are tested on a CPU.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hyperseg.kernels.inference import FusedHyperSeg
from hyperseg.kernels.operators import attach_shifted
from hyperseg.models.decoder import Decoder, WeightGenerator

ALIGNED = 8  # values of 16 bits in 16 bytes: tensor-core products load no fewer


def use_cuda_operators(fused: FusedHyperSeg) -> None:
    """Put the operators of this module in place, in a network of :func:`hyperseg.kernels.inference.fuse`.

    The depthwise convolutions of patches become nine shifted products, every weight generator one dense product, and
    the upsampling to the image's size an operator of its own.
    """
    assert isinstance(fused.decoder, Decoder)
    attach_shifted(fused)
    generators = [DenseGenerator(g) if isinstance(g, WeightGenerator) else g for g in fused.decoder.generators]
    fused.decoder.generators = nn.ModuleList(generators)
    fused.resize = upsample


class DenseGenerator(nn.Module):
    """A weight generator as one product of all cells, its groups a block-diagonal matrix that is made once.

    Tensor cores want multiples of 8 channels a group; the published groups have 7 to 16 inputs and 22 to 1054 outputs,
    for which cuDNN calls one product for each group. The zeros of the dense matrix cost less than those calls.
    """

    matrix: Tensor

    def __init__(self, generator: WeightGenerator) -> None:
        super().__init__()
        self.shape = generator.shape
        weight = generator.weight.detach().flatten(1)
        blocks = torch.block_diag(*weight.view(self.shape.groups, -1, weight.shape[1]))
        made = blocks[: sum(self.shape.counts)]
        self.surplus = -len(made) % ALIGNED
        self.register_buffer("matrix", F.pad(made, (0, 0, 0, self.surplus)))

    def forward(self, signal: Tensor) -> tuple[Tensor, ...]:
        """Signal (B, S, gh, gw) to (B, count, gh, gw) for each level served, a cell's weights side by side."""
        cells = signal.permute(0, 2, 3, 1)[..., self.shape.begin : self.shape.end]
        weights = F.linear(cells, self.matrix).permute(0, 3, 1, 2)
        return weights.split([*self.shape.counts, self.surplus], dim=1)[: len(self.shape.counts)]


@torch.library.custom_op("hyperseg::upsample", mutates_args=())
def _upsample(x: Tensor, height: int, width: int) -> Tensor:
    return F.interpolate(x.contiguous(), (height, width), mode="bilinear", align_corners=False)


@_upsample.register_fake
def _(x: Tensor, height: int, width: int) -> Tensor:
    return x.new_empty(x.shape[0], x.shape[1], height, width)


def upsample(x: Tensor, size: Sequence[int]) -> Tensor:
    """As :func:`hyperseg.models.decoder.resize`, of planes, in a kernel that a compiler leaves alone.

    Otherwise TorchInductor computes the last level's answer at each of the four places that a pixel interpolates,
    gathered from patches, with the classes far apart in memory.
    """
    return x if tuple(x.shape[-2:]) == tuple(size) else _upsample(x, size[0], size[1])
