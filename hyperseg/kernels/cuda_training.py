"""Attach what trains faster on a GPU than PyTorch's operators for a plain network."""

from torch import Tensor, nn

from hyperseg.kernels.generators import grouped_product
from hyperseg.kernels.recast import recast
from hyperseg.models.decoder import WeightGenerator
from hyperseg.models.network import HyperSeg


class BatchedGenerator(WeightGenerator):
    """A weight generator as one batched product, a group each.

    cuDNN has no kernel for groups of such sizes and calls one product after the other, in both directions.
    """

    def forward(self, signal: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        return grouped_product(self, signal)


def attach_cuda_training(model: HyperSeg) -> None:
    """Put the generators of this module in place, in a model on any device; its tensors keep names and values."""
    generators = model.decoder.generators
    made = [recast(g, BatchedGenerator) if type(g) is WeightGenerator else g for g in generators]
    model.decoder.generators = nn.ModuleList(made)
