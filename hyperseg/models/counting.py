"""Size and arithmetic of a network."""

import copy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from hyperseg.models.context import ContextHead
from hyperseg.models.decoder import Level
from hyperseg.models.patchwise import Patchwise


def count_parameters(model: nn.Module) -> int:
    """Learned parameters of any network; dynamic weights are computed, not learned, and do not count."""
    return sum(parameter.numel() for parameter in model.parameters())


def count_gmacs(model: nn.Module, hw: tuple[int, int]) -> float:
    """Multiply-accumulates, in 1e9, of one image of ``hw`` (height, width) pixels: convolutions and matrix products.

    The dynamic convolutions count, and so does a context path that is skipped because it changes no output: this is the
    published network's arithmetic, whatever operators run it. Nothing is computed and no memory is taken.
    """
    blank = copy.deepcopy(model, {id(p): p.to("meta") for p in (*model.parameters(), *model.buffers())}).eval()
    for module in blank.modules():
        if isinstance(module, ContextHead):
            module.run_all = True
        if isinstance(module, Level):
            module.operator = Patchwise()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        blank(torch.empty(1, 3, *hw, device="meta"))
    return counter.get_total_flops() / 2 / 1e9
