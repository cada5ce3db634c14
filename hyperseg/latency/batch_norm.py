"""The three readings of a network's batch norms: kept, folded into the layer before, or deleted as the authors did."""

from typing import TYPE_CHECKING

from hyperseg.latency.protocol import BatchNorm

if TYPE_CHECKING:
    from torch import Tensor, nn


def prepare_batch_norm(network: "nn.Module", mode: BatchNorm, example: "Tensor") -> int:
    """Put the eval-mode `network`'s batch norms into the reading `mode`, in place; returns how many still run.

    ``deleted`` replaces each by its activation alone or nothing: the network then computes something else, which the
    published frame rates do. ``folded`` folds every norm that is fed by exactly one convolution, in any network, and
    checks the result on `example`, float32 (B, 3, H, W): a network whose outputs changed raises RuntimeError. Norms
    after dynamic weights are left to the network or the engine (:mod:`hyperseg.kernels.inference`).
    """
    from torch import inference_mode

    from hyperseg.kernels.batch_norm import activation_of, fold_batch_norms

    if mode == "deleted":
        for name, norm in _norms(network):
            network.set_submodule(name, activation_of(norm))
    elif mode == "folded":
        with inference_mode():
            plain: Tensor = network(example)
        fold_batch_norms(network, example)
        with inference_mode():
            folded: Tensor = network(example)
        difference = float((plain - folded).abs().max())
        scale = float(plain.abs().max())
        if not difference <= 1e-3 * max(scale, 1.0):
            raise RuntimeError(f"folding the batch norms changed the output by {difference:.2g} of {scale:.2g}")
    return len(_norms(network))


def _norms(network: "nn.Module") -> "list[tuple[str, nn.Module]]":
    from torch.nn.modules.batchnorm import _BatchNorm

    return [(name, module) for name, module in network.named_modules() if isinstance(module, _BatchNorm)]
