"""A whole network on this package's kernels."""

from torch import nn

from hyperseg.kernels.inference import Trunk, fuse
from hyperseg.kernels.native.decoder import NativeDecoder
from hyperseg.kernels.native.trunk import NativeTrunk
from hyperseg.models.network import HyperSeg


def accelerate(model: HyperSeg, precision: str = "float32") -> nn.Module:
    """``model`` for inference where it is, in eval mode, several times as fast; the model itself stays as it is.

    Takes an image batch (B, 3, H, W) in float32 and gives logits (B, classes, H, W), in float32 too, whose memory the
    next call overwrites. On a CPU ``precision`` 'bfloat16' rounds the operands of the 1x1 convolutions and needs AMX.
    On an NVIDIA GPU it is 'float32' or 'float16': see :func:`hyperseg.kernels.triton.accelerate.accelerate_on_gpu`.
    Raises :class:`UserError` where the compiler, the CPU or the backbone does not allow it.
    """
    if next(model.parameters()).is_cuda:
        from hyperseg.kernels.triton.accelerate import accelerate_on_gpu  # Triton is not installed everywhere

        return accelerate_on_gpu(model, precision)
    fused = fuse(model)
    assert isinstance(fused.trunk, Trunk)
    decoder = NativeDecoder(fused)
    fused.trunk = NativeTrunk(fused.trunk, precision)
    fused.decoder = decoder
    return fused
