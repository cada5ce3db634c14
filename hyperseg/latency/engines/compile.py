"""``torch.compile`` with TorchInductor: fused C++ or Triton kernels, compiled at preparation."""

import os
import shutil
from typing import TYPE_CHECKING

from hyperseg.errors import UserError
from hyperseg.latency.engines.engine import Engine, Run, Target, compiled, modes

if TYPE_CHECKING:
    from torch import Tensor, nn


def prepare(network: "nn.Module", example: "Tensor", target: Target) -> Run:
    """The compiled module, specialized to the example's shape."""
    import torch

    from hyperseg.kernels.operators import attach_shifted

    if target.device == "cpu" and shutil.which(os.environ.get("CXX", "g++")) is None:
        raise UserError("engine compile needs a C++ compiler on a CPU; install g++ or set CXX to one")
    dtype = getattr(torch, target.precision)
    attach_shifted(network)
    torch._dynamo.reset()
    # Not mode="reduce-overhead": CUDA graphs are an engine of their own.
    module = torch.compile(network.to(dtype), dynamic=False, fullgraph=False)

    def run(images: "Tensor") -> "Tensor":
        output: Tensor = module(images.to(dtype))
        return output

    compiled(lambda: run(example), "compile")
    return run


ENGINE = Engine(
    name="compile",
    modes=modes(("cpu",), ("float32", "bfloat16")) | modes(("cuda",), ("float32", "float16", "bfloat16")),
    prepare=prepare,
    preload=("torch._inductor.compile_fx",),
)
