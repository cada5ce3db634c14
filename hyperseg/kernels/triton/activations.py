"""Activations as a constant of a kernel."""

import triton
import triton.language as tl
from torch import nn

from hyperseg.errors import UserError
from hyperseg.models.backbone_layers import Swish

NONE, SWISH, RELU, RELU6 = range(4)
_CODES: dict[type, int] = {
    nn.Identity: NONE,
    Swish: SWISH,
    nn.SiLU: SWISH,
    nn.ReLU: RELU,
    nn.ReLU6: RELU6,
}


def activation_code(module: nn.Module | None) -> int:
    """Of a module, or of timm's norm layer that carries its activation."""
    module = getattr(module, "act", module)
    code = NONE if module is None else _CODES.get(type(module))
    if code is None:
        raise UserError(f"engine triton has no kernel for {type(module).__name__}; choose another engine")
    return code


@triton.jit
def activate(x: tl.tensor, CODE: tl.constexpr) -> tl.tensor:
    """``x``, float32, under the activation of that code; what is no number stays so, as in PyTorch."""
    if CODE == 1:
        x = x / (1.0 + tl.exp(-x))
    elif CODE == 2:
        x = tl.maximum(x, 0.0, propagate_nan=tl.PropagateNan.ALL)
    elif CODE == 3:
        x = tl.maximum(x, 0.0, propagate_nan=tl.PropagateNan.ALL)
        x = tl.minimum(x, 6.0, propagate_nan=tl.PropagateNan.ALL)
    return x
