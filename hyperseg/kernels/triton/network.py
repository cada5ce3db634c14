"""A whole network as one list of kernel calls for one image size, on a GPU as a CUDA graph."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from typing import cast

import torch
import triton
from torch import Tensor, nn

from hyperseg.errors import UserError
from hyperseg.kernels.graphs import Captured, capture, run_beside
from hyperseg.kernels.inference import FusedHyperSeg, Trunk
from hyperseg.kernels.triton.decoder import DecoderPlan
from hyperseg.kernels.triton.early import CAPABILITY
from hyperseg.kernels.triton.launch import Launch
from hyperseg.kernels.triton.trunk import TrunkPlan
from hyperseg.kernels.triton.upsampling import classify_launch, upsample_launch
from hyperseg.models.decoder import Decoder
from hyperseg.models.network import check_size

_GRID = 65_535  # programs of a grid's second and third axis; far below it, offsets fit 32 bits
OTHERS = {"triton": "cudagraph", "triton_early": "triton"}  # what runs where an engine does not


class NetworkPlan:
    """All calls of a fused network in order. ``image`` (3, H, W) is read, ``answer`` written: the plan owns both.

    ``answer`` is logits (classes, H, W) in ``dtype``, or with ``classes`` the class of each pixel, int64 (H, W). On
    the device ``meta`` a plan takes no memory and cannot run. ``coarse`` gives a program as much as fits, which
    Triton's interpreter runs sooner; ``early`` starts every kernel before the one before it has ended
    (:mod:`hyperseg.kernels.triton.early`). Raises :class:`UserError` for a size that does not fit or is too large and
    for layers that no kernel here computes.
    """

    def __init__(
        self,
        fused: FusedHyperSeg,
        size: tuple[int, int],
        dtype: torch.dtype,
        classes: bool = False,
        coarse: bool = False,
        early: bool = False,
    ) -> None:
        if fused.variant.ablation_of:
            raise UserError(f"engine triton has no kernels for the ablation {fused.variant.id}; choose another engine")
        check_size(fused.variant, *size)
        trunk, decoder = cast(Trunk, fused.trunk), cast(Decoder, fused.decoder)
        device = next(fused.parameters()).device
        self.image = torch.zeros(3, *size, dtype=dtype, device=device)
        grid = (size[0] // 32, size[1] // 32)
        first = TrunkPlan(trunk, self.image, coarse)
        second = DecoderPlan(decoder, first.skips, self.image, first.signal, grid, coarse)
        self.launches: list[Launch] = [*first.launches, *second.launches]
        scale = size[0] // second.size[0]
        if classes:
            launch, self.answer = classify_launch(second.planes, second.size, scale, coarse)
            self.launches.append(launch)
        elif scale == 1:
            self.answer = second.planes.view(-1, *size)
        else:
            launch, self.answer = upsample_launch(second.planes, second.size, coarse)
            self.launches.append(launch)
        if any(count > _GRID for launch in self.launches for count in launch.grid[1:]):
            raise UserError(f"engine triton runs no image as large as {size[0]} x {size[1]}; choose engine cudagraph")
        if early:  # the first kernel of a pass has none before it
            self.launches[1:] = [replace(launch, early=True) for launch in self.launches[1:]]

    def __call__(self) -> None:
        for launch in self.launches:
            launch()

    def compile(self) -> None:
        """Build every kernel for the current GPU, several at a time."""
        copy_context().run(self._compile)  # in which Triton 3.6 leaves its mode on where a kernel cannot be built

    def _compile(self) -> None:
        with ThreadPoolExecutor(os.cpu_count()) as executor, triton.AsyncCompileMode(executor):
            for launch in {launch.key(): launch for launch in self.launches}.values():
                launch.compile()


class TritonNetwork(nn.Module):
    """A fused network for one image (1, 3, H, W) of one size; its answer's memory is overwritten by the next call.

    On a GPU the calls are captured as a CUDA graph; elsewhere they run in Triton's interpreter. Either way the module
    owns every tensor that they read and write. ``early`` is that of :class:`NetworkPlan`; the answer is the same.
    Raises :class:`UserError` where there is no GPU, or none that can start kernels early, where Triton cannot build its
    kernels, and for an image of another shape or device.
    """

    def __init__(
        self,
        fused: FusedHyperSeg,
        size: tuple[int, int],
        dtype: torch.dtype,
        classes: bool = False,
        early: bool = False,
    ) -> None:
        super().__init__()
        interpreted = bool(triton.knobs.runtime.interpret)
        device = next(fused.parameters()).device
        if device.type != "cuda" and not interpreted:
            raise UserError("engine triton needs an NVIDIA GPU; choose another engine, or move the network to one")
        if early and (device.type != "cuda" or torch.cuda.get_device_capability(device) < CAPABILITY):
            where = torch.cuda.get_device_name(device) if device.type == "cuda" else "Triton's interpreter"
            raise UserError(f"{where} cannot start kernels early; choose engine triton")
        # The image is written in either mode; tables are made on the CPU, whatever PyTorch's default device is.
        with torch.inference_mode(False), torch.no_grad(), torch.device("cpu"):
            self.plan = NetworkPlan(fused, size, dtype, classes, interpreted, early)
            self.captured = None if interpreted else self._capture("triton" if not early else "triton_early")

    def _capture(self, engine: str) -> Captured[None]:
        device = self.plan.image.device
        with torch.cuda.device(device):
            try:
                self.plan.compile()
                run_beside(self.plan, device)  # a capture must not load a kernel
                return capture(self.plan, device)
            except Exception as error:  # Triton's own, LLVM's, ptxas's, the C compiler's, the driver's
                first = (str(error).strip().splitlines() or [type(error).__name__])[0]
                raise UserError(
                    f"engine {engine} cannot build or record its kernels on {torch.cuda.get_device_name(device)} "
                    f"({type(error).__name__}: {first}); choose engine {OTHERS[engine]}"
                ) from error

    @torch.no_grad()
    def forward(self, image: Tensor) -> Tensor:
        plan = self.plan
        if image.shape != (1, *plan.image.shape) or image.device != plan.image.device:
            raise UserError(
                f"engine triton was prepared for images {(1, *plan.image.shape)} on {plan.image.device}, not for "
                f"{tuple(image.shape)} on {image.device}; prepare it for those, one image at a time"
            )
        plan.image.copy_(image[0])  # converts the precision
        if self.captured is None:
            plan()
        else:
            self.captured()
        return plan.answer[None]
