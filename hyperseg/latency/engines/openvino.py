"""OpenVINO on a CPU, the whole network as one exported graph: no C++ compiler needed."""

from typing import TYPE_CHECKING

from hyperseg.latency.engines.engine import Engine, Run, Target, modes

if TYPE_CHECKING:
    from torch import Tensor, nn


def prepare(network: "nn.Module", example: "Tensor", target: Target) -> Run:
    """The graph, compiled for the example's shape; the answer is a copy that the caller may keep."""
    from hyperseg.kernels.inference import centre_padding, fuse_networks
    from hyperseg.latency import runtimes

    network, _ = fuse_networks(network)
    centre_padding(network)
    graph = runtimes.openvino(network, example, target.precision, target.threads)
    return lambda images: graph(images)[0].clone()


ENGINE = Engine(
    name="openvino",
    modes=modes(("cpu",), ("float32", "bfloat16")),
    prepare=prepare,
    requires=("openvino",),
    extra="engines",
    preload=("openvino",),
)
