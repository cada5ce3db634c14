"""Put the inference form of this package's networks in place, and parts of it onto a runtime."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hyperseg.errors import UserError
from hyperseg.models import HyperSeg
from hyperseg.models.fuse import FusedHyperSeg, fuse, halves
from hyperseg.models.fuse import Trunk as TrunkModule

if TYPE_CHECKING:
    Trunk = Callable[[Tensor], tuple[Tensor, ...]]
    Compile = Callable[[nn.Module, Tensor, str], Trunk]


class RuntimeTrunk(nn.Module):
    """A trunk that runs elsewhere: a callable from the image to the skips and the signal, in a module's clothes."""

    def __init__(self, run: "Trunk") -> None:
        super().__init__()
        self.run = run

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return self.run(image)


def fuse_networks(network: nn.Module) -> tuple[nn.Module, list[FusedHyperSeg]]:
    """Every network of ours inside ``network`` in its inference form, and the list of them; other modules stay."""
    if isinstance(network, HyperSeg):
        fused = fuse(network)
        return fused, [fused]
    found: list[FusedHyperSeg] = []
    for name, child in network.named_children():
        replaced, inside = fuse_networks(child)
        if inside:
            setattr(network, name, replaced)
            found += inside
    return network, found


def use_native_decoder(network: nn.Module, engine: str, make_trunk: "Callable[[FusedHyperSeg], Trunk]") -> nn.Module:
    """Fuse ``network``, decode natively, and run each trunk by what ``make_trunk`` makes of the fused network.

    Raises :class:`UserError` where ``network`` holds none of ours.
    """
    from hyperseg.kernels.native.decoder import NativeDecoder

    network, parts = fuse_networks(network)
    if not parts:
        raise UserError(f"engine {engine} runs this package's networks alone; choose another engine for this network")
    for part in parts:
        decoder = NativeDecoder(part)  # first: it finds out quickly where there is no compiler
        run = make_trunk(part)
        part.decoder, part.trunk = decoder, RuntimeTrunk(run)
    return network


def in_precision(part: FusedHyperSeg, example: Tensor, precision: str, compile_module: "Compile") -> "Trunk":
    """The trunk, compiled by ``compile_module(module, example, precision)``; its entry stays in float32."""
    assert isinstance(part.trunk, TrunkModule)
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
