"""This package's own kernels on an NVIDIA GPU: a whole pass in Triton, one image at a time, as one CUDA graph."""

from typing import TYPE_CHECKING

from hyperseg.errors import UserError
from hyperseg.latency.engines.engine import Engine, Run, Target, modes

if TYPE_CHECKING:
    from torch import Tensor, nn


def prepare(network: "nn.Module", example: "Tensor", target: Target, early: bool = False) -> Run:
    """The graph for the example's shape; the answer's memory is overwritten by the next call.

    Where `argmax` is inside the clock, the last kernel gives the classes and no logits are written. ``early`` is what
    engine ``triton_early`` adds.
    """
    import torch

    from hyperseg.kernels.inference import fuse
    from hyperseg.kernels.triton.network import TritonNetwork
    from hyperseg.latency.stages import Staged
    from hyperseg.models import HyperSeg

    classes = isinstance(network, Staged) and network.argmax
    if isinstance(network, Staged):
        network = network.network
    if not isinstance(network, HyperSeg):
        raise UserError("engine triton runs this package's networks alone; choose another engine for this network")
    if example.shape[0] != 1:
        raise UserError(f"engine triton runs one image at a time, not {example.shape[0]}; choose engine cudagraph")
    height, width = example.shape[-2:]
    return TritonNetwork(fuse(network), (height, width), getattr(torch, target.precision), classes, early)


ENGINE = Engine(
    name="triton",
    modes=modes(("cuda",), ("float32", "float16")),
    prepare=prepare,
    requires=("triton",),
    preload=("triton",),
    ours_alone=True,
    one_image=True,
    exact=True,
)
