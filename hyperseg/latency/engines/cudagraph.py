"""One CUDA graph of the fused network compiled by TorchInductor, channels last: no launches, no Python in the clock."""

from typing import TYPE_CHECKING

from hyperseg.latency.engines.engine import Engine, Run, Target, compiled, modes

if TYPE_CHECKING:
    from torch import Tensor, nn

_WARM_UP = 3  # runs before the capture: compiling, choosing algorithms, allocating workspaces


class CapturedNetwork:
    """A CUDA graph of one forward pass, with everything that its kernels read.

    A graph holds addresses, not tensors: the compiled network is kept here, or its weights would be freed and their
    memory overwritten while the graph still reads it. The answer's memory is overwritten by the next call.
    """

    def __init__(self, network: "Run", example: "Tensor") -> None:
        import torch

        from hyperseg.kernels.graphs import capture, run_beside

        self.image = example
        with torch.inference_mode():
            compiled(lambda: run_beside(lambda: network(example), example.device, _WARM_UP), "cudagraph")
            self.captured = capture(lambda: network(example), example.device)

    def __call__(self, images: "Tensor") -> "Tensor":
        self.image.copy_(images)  # converts precision and layout in one kernel
        return self.captured()


def prepare(network: "nn.Module", example: "Tensor", target: Target) -> Run:
    """The graph for the example's shape."""
    import torch

    from hyperseg.kernels.cuda import use_cuda_operators
    from hyperseg.kernels.inference import fuse_networks

    dtype = getattr(torch, target.precision)
    network, parts = fuse_networks(network)
    for part in parts:
        use_cuda_operators(part)
    network = network.to(dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    torch._dynamo.reset()
    module = torch.compile(network, dynamic=False, options={"triton.cudagraphs": False})
    return CapturedNetwork(module, example.to(dtype=dtype, memory_format=torch.channels_last).clone())


ENGINE = Engine(
    name="cudagraph",
    modes=modes(("cuda",), ("float32", "float16", "bfloat16")),
    prepare=prepare,
    preload=("torch._inductor.compile_fx",),
)
