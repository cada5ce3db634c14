"""A network on a GPU for images of any fitting size: Triton's kernels, or PyTorch's where Triton cannot build them."""

import copy
import threading
import warnings
from typing import Any

import torch
from torch import Tensor, nn

from hyperseg.errors import UserError
from hyperseg.kernels.inference import fuse, refuse_tracing
from hyperseg.kernels.triton.network import TritonNetwork
from hyperseg.models.network import HyperSeg, check_images, check_size

_PRECISIONS = {"float32": torch.float32, "float16": torch.float16}


def accelerate_on_gpu(model: HyperSeg, precision: str = "float16") -> nn.Module:
    """``model``, on an NVIDIA GPU, for inference in eval mode; the model itself stays as it is.

    Takes an image batch (B, 3, H, W) in float32 and gives logits (B, classes, H, W), in float32 too. The first image
    of a size takes long: kernels are built for it, and its CUDA graph is kept, with the memory that it needs. Where
    that fails a warning says so, and PyTorch's own kernels run instead. Calls from several threads or on several
    streams take turns. Raises :class:`UserError` for a model that is not on a GPU, for another precision than float32
    and float16, for images that are elsewhere, and for a size that does not fit.
    """
    if precision not in _PRECISIONS:
        raise UserError(f"precision {precision} is not for a GPU here; choose {' or '.join(_PRECISIONS)}")
    if next(model.parameters()).device.type != "cuda":
        raise UserError("the Triton kernels need the network on an NVIDIA GPU; move it there with model.to('cuda')")
    return GpuNetwork(model, precision)


class GpuNetwork(nn.Module):
    """See :func:`accelerate_on_gpu`. All calls of a size share the memory of its image and its maps."""

    def __init__(self, model: HyperSeg, precision: str) -> None:
        super().__init__()
        self.fused = fuse(model)
        self.dtype = _PRECISIONS[precision]
        self.plain: nn.Module | None = None
        self.sizes: dict[tuple[int, int], TritonNetwork] = {}
        self._turn = threading.Lock()
        self._stream: torch.cuda.Stream | None = None  # of the last call

    @torch.compiler.disable
    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        refuse_tracing()
        check_images(images)
        check_size(self.fused.variant, *images.shape[-2:])
        device = next(self.fused.parameters()).device
        if images.device != device:
            raise UserError(f"the network is on {device}, the images are on {images.device}; move them with .to()")
        with self._turn:
            self._wait(device)
            return self._run(images)

    def _wait(self, device: torch.device) -> None:
        """Let this call's kernels start after those of the last one, where that was on another stream."""
        if device.type == "cuda":
            stream = torch.cuda.current_stream(device)
            if self._stream is not None and self._stream != stream:
                stream.wait_stream(self._stream)
            self._stream = stream

    def _run(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        if self.plain is None and (height, width) not in self.sizes:
            try:
                self.sizes[height, width] = TritonNetwork(self.fused, (height, width), self.dtype)
            except UserError as error:
                warnings.warn(f"{error}; PyTorch's own kernels run instead, more slowly", stacklevel=3)
                self.plain = copy.deepcopy(self.fused).to(self.dtype)
        if self.plain is not None:
            return self.plain(images.to(self.dtype)).float()
        run = self.sizes[height, width]
        # Copied in float32, too: an answer's memory is written again by the next image.
        return torch.cat([run(image[None]).to(torch.float32, copy=True) for image in images])

    def _apply(self, *arguments: Any, **keywords: Any) -> "GpuNetwork":
        """Moved or converted: what was captured reads the weights where they were."""
        self.sizes.clear()
        super()._apply(*arguments, **keywords)
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Without what belongs to this process: a copy captures its own graphs."""
        return self.__dict__ | {"sizes": {}, "_turn": None, "_stream": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._turn = threading.Lock()
