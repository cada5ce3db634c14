"""Activations as a constant of a kernel."""

import triton
import triton.language as tl
from torch import nn
from triton.language.extra.cuda import libdevice

from hyperseg.errors import UserError
from hyperseg.models.backbone_layers import Swish

# The GPU's own exponential and division, within a few last bits in float32: the careful ones, which also serve denormal
# numbers, take three times the instructions, a fifth of those of a depthwise convolution. The interpreter has no such.
INTERPRETED = tl.constexpr(bool(triton.knobs.runtime.interpret))
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
        if INTERPRETED:  # noqa: SIM108 - a branch of a kernel: only one of the two is compiled
            x = x / (1.0 + tl.exp(-x))
        else:
            x = libdevice.fast_dividef(x, 1.0 + libdevice.fast_expf(-x))
    elif CODE == 2:
        x = tl.maximum(x, 0.0, propagate_nan=tl.PropagateNan.ALL)
    elif CODE == 3:
        x = tl.maximum(x, 0.0, propagate_nan=tl.PropagateNan.ALL)
        x = tl.minimum(x, 6.0, propagate_nan=tl.PropagateNan.ALL)
    return x
