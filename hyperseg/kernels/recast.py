"""A layer of another class in a layer's place."""

from typing import TypeVar

from torch import nn

M = TypeVar("M", bound=nn.Module)


def recast(layer: nn.Module, kind: type[M]) -> M:
    """A module of class ``kind`` with the parameters, buffers, children and settings of ``layer``, which it shares."""
    made = kind.__new__(kind)
    nn.Module.__init__(made)
    for name, value in vars(layer).items():
        made.__dict__[name] = value.copy() if isinstance(value, dict) else value
    return made
