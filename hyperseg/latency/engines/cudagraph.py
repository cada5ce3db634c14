"""One CUDA graph of the fused network compiled by TorchInductor, channels last: no launches, no Python in the clock."""

from typing import TYPE_CHECKING

from hyperseg.latency.engines.engine import Engine, Run, Target, modes

if TYPE_CHECKING:
    from torch import Tensor, nn

_WARM_UP = 3  # runs before the capture: compiling, choosing algorithms, allocating workspaces


def prepare(network: "nn.Module", example: "Tensor", target: Target) -> Run:
    """The graph for the example's shape; the answer's memory is the graph's and is overwritten by the next call."""
    import torch

    from hyperseg.kernels.inference import fuse_networks
    from hyperseg.kernels.operators import attach_shifted

    dtype = getattr(torch, target.precision)
    network, _ = fuse_networks(network)
    attach_shifted(network)
    network = network.to(dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    torch._dynamo.reset()
    compiled = torch.compile(network, dynamic=False, options={"triton.cudagraphs": False})
    image = example.to(dtype=dtype, memory_format=torch.channels_last).clone()

    # What is captured must have been compiled and have run before, on a stream of its own.
    side = torch.cuda.Stream(image.device)
    side.wait_stream(torch.cuda.current_stream(image.device))
    with torch.cuda.stream(side), torch.inference_mode():
        for _ in range(_WARM_UP):
            compiled(image)
    torch.cuda.current_stream(image.device).wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph), torch.inference_mode():
        answer: Tensor = compiled(image)

    def run(images: "Tensor") -> "Tensor":
        image.copy_(images)  # converts precision and layout in one kernel
        graph.replay()
        return answer

    return run


ENGINE = Engine(
    name="cudagraph",
    title="CUDA graph",
    modes=modes(("cuda",), ("float32", "float16", "bfloat16")),
    prepare=prepare,
    preload=("torch._inductor.compile_fx",),
)
