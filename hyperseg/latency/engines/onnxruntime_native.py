"""ONNX Runtime for the trunk, the C++ decoder for the patch-wise levels."""

from typing import TYPE_CHECKING

from hyperseg.latency.engines.engine import Engine, Run, Target, modes

if TYPE_CHECKING:
    from torch import Tensor, nn


def prepare(network: "nn.Module", example: "Tensor", target: Target) -> Run:
    """The trunk's graph for the example's shape."""
    from hyperseg.latency import runtimes
    from hyperseg.latency.fused import use_native_decoder

    return use_native_decoder(
        network, "onnxruntime_native", lambda part: runtimes.onnxruntime(part.trunk, example, target.threads)
    )


ENGINE = Engine(
    name="onnxruntime_native",
    title="ONNX Runtime trunk, native decoder",
    modes=modes(("cpu",), ("float32",)),
    prepare=prepare,
    requires=("onnx", "onnxruntime", "onnxscript"),
    extra="engines",
    preload=("onnxruntime",),
)
