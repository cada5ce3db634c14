"""Random weights and inputs under which every layer affects the answer, so that an error in any layer is seen."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hyperseg.models import HyperSeg

SEED = 0  # of weights, inputs and labels, the same in every process


def randomize(network: "HyperSeg") -> None:
    """Give a network on the CPU random norms and larger generated weights, in place.

    Freshly initialized norms are identities, and the generated weights are so small that the logits are all but zero.
    The last norm is shifted and scaled so that logits have deviation 1, and every class a mean of 0, on a generated
    image: without it one class wins everywhere, whatever the image. Takes random numbers from torch's global generator.
    """
    import torch
    from torch import nn

    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                assert module.running_mean is not None
                assert module.running_var is not None
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 1.5)
                module.weight.uniform_(0.8, 1.6)
                module.bias.normal_(0, 0.2)
        for generator in network.decoder.generators:
            for parameter in generator.parameters():
                parameter.mul_(4)
        side, training = 2 * network.variant.unit, network.training
        logits = network.eval()(torch.randn(1, 3, side, side))
        network.train(training)
        last = [module for module in network.decoder.levels.modules() if isinstance(module, nn.BatchNorm2d)][-1]
        centred = logits - logits.mean((0, 2, 3), keepdim=True)
        last.bias.sub_(logits.mean((0, 2, 3)))
        for parameter in (last.weight, last.bias):
            parameter.div_(centred.std())
