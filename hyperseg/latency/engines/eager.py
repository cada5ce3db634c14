"""PyTorch's eager mode: the module as it is, operator by operator."""

from typing import TYPE_CHECKING

from hyperseg.latency.engines.engine import Engine, Run, Target, modes

if TYPE_CHECKING:
    from torch import Tensor, nn


def prepare(network: "nn.Module", example: "Tensor", target: Target) -> Run:
    """The module itself, its weights in the target's precision."""
    import torch

    from hyperseg.kernels.operators import attach_eager

    attach_eager(network)
    dtype = getattr(torch, target.precision)
    network = network.to(dtype)
    if dtype == torch.float32:
        return network

    def run(images: "Tensor") -> "Tensor":
        output: Tensor = network(images.to(dtype))
        return output

    return run


ENGINE = Engine(
    name="eager",
    modes=modes(("cpu",), ("float32", "bfloat16")) | modes(("cuda",), ("float32", "float16", "bfloat16")),
    prepare=prepare,
    operator_by_operator=True,
)
