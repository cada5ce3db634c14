"""OpenVINO for the trunk, the C++ decoder for the patch-wise levels: for CPUs that engine `native` does not suit."""

from typing import TYPE_CHECKING

from hyperseg.latency.engines.engine import Engine, Run, Target, modes

if TYPE_CHECKING:
    from torch import Tensor, nn

    from hyperseg.latency.trunks import RunTrunk


def prepare(network: "nn.Module", example: "Tensor", target: Target) -> Run:
    """The trunk compiled for the example's shape; the decoder stays in float32."""
    from hyperseg.latency import runtimes
    from hyperseg.latency.trunks import in_precision, use_native_decoder

    def compiled(module: "nn.Module", example: "Tensor", precision: str) -> "RunTrunk":
        return runtimes.openvino(module, example, precision, target.threads)

    return use_native_decoder(
        network, "openvino_native", lambda part: in_precision(part, example, target.precision, compiled)
    )


ENGINE = Engine(
    name="openvino_native",
    modes=modes(("cpu",), ("float32", "bfloat16")),
    prepare=prepare,
    requires=("openvino",),
    extra="engines",
    preload=("openvino",),
    ours_alone=True,
    needs_compiler=True,
)
