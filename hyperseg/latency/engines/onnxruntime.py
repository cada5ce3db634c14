"""ONNX Runtime on a CPU, the whole network as one exported graph."""

from typing import TYPE_CHECKING

from hyperseg.latency.engines.engine import Engine, Run, Target, modes

if TYPE_CHECKING:
    from torch import Tensor, nn


def prepare(network: "nn.Module", example: "Tensor", target: Target) -> Run:
    """The graph for the example's shape."""
    from hyperseg.kernels.inference import centre_padding, fuse_networks
    from hyperseg.latency import runtimes

    network, _ = fuse_networks(network)
    centre_padding(network)
    graph = runtimes.onnxruntime(network, example, target.threads)
    return lambda images: graph(images)[0]


ENGINE = Engine(
    name="onnxruntime",
    modes=modes(("cpu",), ("float32",)),
    prepare=prepare,
    requires=("onnx", "onnxruntime", "onnxscript"),
    extra="engines",
    preload=("onnxruntime",),
)
