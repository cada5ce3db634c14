"""The three readings of a network's batch norms: kept, folded into the layer before, or deleted as the authors did."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hyperseg.latency.protocol import BatchNorm

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class NormCount:
    """What was done: norms that no longer run, and norms that still do."""

    removed: int
    left: int


def prepare_batch_norm(network: "nn.Module", mode: BatchNorm, example: "Tensor") -> NormCount:
    """Put the eval-mode `network`'s batch norms into the reading `mode`, in place.

    ``deleted`` replaces each by its activation alone or nothing: the network then computes something else, which the
    published frame rates do. ``folded`` folds every norm that is fed by exactly one convolution, in any network, and
    checks the result on `example`, float32 (B, 3, H, W): a network whose outputs changed raises RuntimeError. Norms
    after dynamic weights are left to the network or the engine (:mod:`hyperseg.models.fuse`), and counted.
    """
    from torch import inference_mode

    before = len(_norms(network))
    if mode == "deleted":
        for name, norm in _norms(network):
            _replace(network, name, _activation_of(norm))
    elif mode == "folded":
        with inference_mode():
            plain = _first(network(example))
        _fold_pairs(network, example)
        with inference_mode():
            folded = _first(network(example))
        difference = float((plain - folded).abs().max())
        scale = float(plain.abs().max())
        if not difference <= 1e-3 * max(scale, 1.0):
            raise RuntimeError(f"folding the batch norms changed the output by {difference:.2g} of {scale:.2g}")
    left = len(_norms(network))
    return NormCount(removed=before - left, left=left)


def _norms(network: "nn.Module") -> "list[tuple[str, nn.Module]]":
    from torch.nn.modules.batchnorm import _BatchNorm

    return [(name, module) for name, module in network.named_modules() if isinstance(module, _BatchNorm)]


def _replace(network: "nn.Module", name: str, module: "nn.Module") -> None:
    parent, _, child = name.rpartition(".")
    setattr(network.get_submodule(parent), child, module)


def _activation_of(norm: "nn.Module") -> "nn.Module":
    """timm's norm layers carry their activation; it stays when the norm goes."""
    from torch import nn

    activation = getattr(norm, "act", None)
    return activation if isinstance(activation, nn.Module) else nn.Identity()


def _fold_pairs(network: "nn.Module", example: "Tensor") -> None:
    """Fold norms whose input is, as an object, one convolution's output, both run once and that output used once.

    Which convolution feeds which norm is read off one run of the network, so it holds for any way of writing it. That
    nobody else reads the convolution's output is not visible there; the caller compares the outputs.
    """
    import torch
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    made: dict[int, tuple[str, nn.Module, torch.Tensor]] = {}  # the tensor is held, so that its id stays its own
    pairs: list[tuple[str, str]] = []
    runs: dict[str, int] = {}
    handles = []

    def after_convolution(name: str) -> object:
        def hook(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
            made[id(output)] = (name, module, output)
            runs[name] = runs.get(name, 0) + 1

        return hook

    def before_norm(name: str) -> object:
        def hook(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            runs[name] = runs.get(name, 0) + 1
            if id(inputs[0]) in made:
                pairs.append((made[id(inputs[0])][0], name))

        return hook

    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            handles.append(module.register_forward_hook(after_convolution(name)))  # type: ignore[arg-type]
        elif isinstance(module, nn.BatchNorm2d):
            handles.append(module.register_forward_pre_hook(before_norm(name)))  # type: ignore[arg-type]
    try:
        with torch.inference_mode():
            network(example)
    finally:
        for handle in handles:
            handle.remove()
    fed = [convolution for convolution, _ in pairs]
    for convolution, norm in pairs:
        if runs[convolution] > 1 or runs[norm] > 1 or fed.count(convolution) > 1:
            continue
        layer, batch_norm = network.get_submodule(convolution), network.get_submodule(norm)
        transposed = isinstance(layer, nn.ConvTranspose2d)
        fused = fuse_conv_bn_eval(layer, batch_norm, transpose=transposed)  # type: ignore[type-var, arg-type]
        _replace(network, convolution, fused)
        _replace(network, norm, _activation_of(batch_norm))


def _first(output: object) -> "Tensor":
    from torch import Tensor

    assert isinstance(output, Tensor)
    return output
