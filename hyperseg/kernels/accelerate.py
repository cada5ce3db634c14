"""A whole network on this package's kernels."""

import threading
from typing import Any

import torch
from torch import Tensor, nn

from hyperseg.errors import UserError
from hyperseg.kernels.inference import FusedHyperSeg, Trunk, fuse, refuse_tracing
from hyperseg.kernels.native.decoder import NativeDecoder
from hyperseg.kernels.native.trunk import NativeTrunk
from hyperseg.models.network import HyperSeg


def accelerate(model: HyperSeg, precision: str = "float32") -> nn.Module:
    """``model`` for inference where it is, in eval mode, several times as fast; the model itself stays as it is.

    Takes an image batch (B, 3, H, W) in float32 and gives logits (B, classes, H, W), in float32 too. On a CPU
    ``precision`` 'bfloat16' rounds the operands of the 1x1 convolutions and needs AMX or AVX512-BF16; calls from
    several threads take turns. On an NVIDIA GPU it is 'float32' or 'float16': see
    :func:`hyperseg.kernels.triton.accelerate.accelerate_on_gpu`. Raises :class:`UserError` where the compiler, the CPU
    or the backbone does not allow it, and for a network that is not a :class:`HyperSeg`.
    """
    if not isinstance(model, HyperSeg):
        raise UserError(f"only a network of hyperseg.create_model can be accelerated, not a {type(model).__name__}")
    device = next(model.parameters()).device.type
    if device == "cuda":
        from hyperseg.kernels.triton.accelerate import accelerate_on_gpu  # Triton is not installed everywhere

        return accelerate_on_gpu(model, precision)
    if device != "cpu":
        raise UserError(
            f"no kernel runs on {device}, where the network is; move it to a CPU or an NVIDIA GPU with .to()"
        )
    if precision not in ("float32", "bfloat16"):
        raise UserError(f"precision {precision} is not for a CPU here; choose float32 or bfloat16")
    return NativeNetwork(fuse(model), precision)


class NativeNetwork(FusedHyperSeg):
    """See :func:`accelerate`. Kernels write into memory that they keep, so an answer is copied out of it."""

    def __init__(self, fused: FusedHyperSeg, precision: str) -> None:
        assert isinstance(fused.trunk, Trunk)
        decoder = NativeDecoder(fused)
        trunk = NativeTrunk(fused.trunk, precision)
        super().__init__(fused.variant, fused.num_classes, trunk, decoder, fused.levels)
        self.resize = fused.resize
        self._turn = threading.Lock()
        self.eval()

    @torch.compiler.disable
    @torch.no_grad()
    def forward(self, image: Tensor) -> Tensor:
        refuse_tracing()
        with self._turn:
            return super().forward(image).clone()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_turn"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._turn = threading.Lock()
