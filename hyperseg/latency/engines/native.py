"""PyTorch alone, at its fastest on a CPU: trunk by TorchInductor with frozen weights, decoder in C++."""

from typing import TYPE_CHECKING

from hyperseg.errors import UserError
from hyperseg.latency.engines.engine import Engine, Run, Target, modes

if TYPE_CHECKING:
    from torch import Tensor, nn


def prepare(network: "nn.Module", example: "Tensor", target: Target) -> Run:
    """The fused network, specialized to the example's shape; the decoder stays in float32."""
    import torch

    from hyperseg.latency.fused import in_precision, use_native_decoder
    from hyperseg.latency.runtimes import inductor
    from hyperseg.models.native_build import compiler

    if compiler() is None:
        raise UserError("engine native needs a C++ compiler; install g++ or set CXX to one")
    torch._dynamo.reset()
    return use_native_decoder(network, "native", lambda part: in_precision(part, example, target.precision, inductor))


ENGINE = Engine(
    name="native",
    title="TorchInductor trunk, native decoder",
    modes=modes(("cpu",), ("float32", "bfloat16")),
    prepare=prepare,
    preload=("torch._inductor.compile_fx",),
)
