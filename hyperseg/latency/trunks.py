"""A fused network's trunk on a runtime, and the C++ decoder behind it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hyperseg.errors import UserError
from hyperseg.kernels.inference import FusedHyperSeg, Trunk, centre_padding, fuse_networks, halves

if TYPE_CHECKING:
    RunTrunk = Callable[[Tensor], tuple[Tensor, ...]]
    Compile = Callable[[nn.Module, Tensor, str], RunTrunk]


class RuntimeTrunk(nn.Module):
    """A trunk that runs elsewhere: a module around a callable from the image to the skips and the signal."""

    def __init__(self, run: "RunTrunk") -> None:
        super().__init__()
        self.run = run

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return self.run(image)


def use_native_decoder(network: nn.Module, engine: str, make_trunk: "Callable[[FusedHyperSeg], RunTrunk]") -> nn.Module:
    """Fuse ``network``, decode natively, and run each trunk by what ``make_trunk`` makes of the fused network.

    Raises :class:`UserError` where ``network`` holds no :class:`hyperseg.models.HyperSeg`.
    """
    from hyperseg.kernels.native.decoder import NativeDecoder

    network, parts = fuse_networks(network)
    if not parts:
        raise UserError(f"engine {engine} runs this package's networks alone; choose another engine for this network")
    for part in parts:
        decoder = NativeDecoder(part)  # first: it fails quickly without a compiler
        run = make_trunk(part)
        part.decoder, part.trunk = decoder, RuntimeTrunk(run)
    return network


def in_precision(part: FusedHyperSeg, example: Tensor, precision: str, compile_module: "Compile") -> "RunTrunk":
    """The trunk, compiled by ``compile_module(module, example, precision)``; its entry stays in float32."""
    assert isinstance(part.trunk, Trunk)
    centre_padding(part.trunk)
    if precision == "float32":
        return compile_module(part.trunk, example, precision)
    first, second = halves(part.trunk)
    with torch.no_grad():
        half = first(example)
    entry, rest = compile_module(first, example, "float32"), compile_module(second, half, precision)

    def run(image: Tensor) -> tuple[Tensor, ...]:
        entered = entry(image)
        return rest(entered if isinstance(entered, Tensor) else entered[0])

    return run
