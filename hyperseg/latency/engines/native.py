"""This package's own kernels on a CPU, with PyTorch alone beside them: trunk and decoder in C++."""

from typing import TYPE_CHECKING

from hyperseg.errors import UserError
from hyperseg.latency.engines.engine import Engine, Run, Target, modes

if TYPE_CHECKING:
    from torch import Tensor, nn

    from hyperseg.kernels.inference import FusedHyperSeg


def prepare(network: "nn.Module", example: "Tensor", target: Target) -> Run:
    """The fused network for any fitting input; the answer's memory is overwritten by the next call."""
    from hyperseg.kernels.inference import Trunk
    from hyperseg.kernels.native.build import compiler
    from hyperseg.kernels.native.trunk import NativeTrunk
    from hyperseg.latency.trunks import use_native_decoder

    if compiler() is None:
        raise UserError("engine native needs a C++ compiler; install g++ or set CXX to one")

    def trunk(part: "FusedHyperSeg") -> NativeTrunk:
        assert isinstance(part.trunk, Trunk)
        return NativeTrunk(part.trunk, target.precision)

    return use_native_decoder(network, "native", trunk)


ENGINE = Engine(
    name="native",
    modes=modes(("cpu",), ("float32", "bfloat16")),
    prepare=prepare,
    ours_alone=True,
    needs_compiler=True,
)
