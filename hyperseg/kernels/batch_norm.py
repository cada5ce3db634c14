"""Batch norms folded into the convolutions before them, for inference."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def scale_and_shift(norm: nn.Module) -> tuple[Tensor, Tensor] | None:
    """Scale and shift, each of shape (C,), that a batch norm applies in eval mode; None where it has to run."""
    if not isinstance(norm, nn.BatchNorm2d) or norm.training:
        return None
    assert norm.running_var is not None
    assert norm.running_mean is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    return scale, norm.bias - norm.running_mean * scale


def fold_batch_norms(network: nn.Module, example: Tensor) -> None:
    """Fold, in place, each norm of an eval-mode network that is fed by exactly one convolution; its activation stays.

    Which convolution feeds which norm is read off one run on ``example``: a norm whose input is, as an object, one
    convolution's output, both run once and that output given to one norm. So it holds for any way of writing a network.
    That nothing else reads the convolution's output is not visible there: compare the outputs for a network that may do
    so.
    """
    made: dict[int, tuple[str, Tensor]] = {}  # the tensor is held, so that its id stays its own
    pairs: list[tuple[str, str]] = []
    runs: dict[str, int] = {}
    handles = []

    def after_convolution(name: str) -> Any:
        def hook(module: nn.Module, inputs: object, output: Tensor) -> None:
            made[id(output)] = (name, output)
            runs[name] = runs.get(name, 0) + 1

        return hook

    def before_norm(name: str) -> Any:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            runs[name] = runs.get(name, 0) + 1
            if id(inputs[0]) in made:
                pairs.append((made[id(inputs[0])][0], name))

        return hook

    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            handles.append(module.register_forward_hook(after_convolution(name)))
        elif isinstance(module, nn.BatchNorm2d):
            handles.append(module.register_forward_pre_hook(before_norm(name)))
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
        network.set_submodule(convolution, fused)
        network.set_submodule(norm, activation_of(batch_norm))


def activation_of(norm: nn.Module) -> nn.Module:
    """What stays when a norm goes: timm's norm layers carry their activation."""
    activation = getattr(norm, "act", None)
    return activation if isinstance(activation, nn.Module) else nn.Identity()
