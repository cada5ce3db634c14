"""A network on a GPU for images of any fitting size: Triton's kernels, or PyTorch's where Triton cannot build them."""

import copy
import warnings

import torch
from torch import Tensor, nn

from hyperseg.errors import UserError
from hyperseg.kernels.inference import fuse
from hyperseg.kernels.triton.network import TritonNetwork
from hyperseg.models.network import HyperSeg, check_size

_PRECISIONS = {"float32": torch.float32, "float16": torch.float16}


def accelerate_on_gpu(model: HyperSeg, precision: str = "float16") -> nn.Module:
    """``model``, on an NVIDIA GPU, for inference in eval mode; the model itself stays as it is.

    Takes an image batch (B, 3, H, W) in float32 and gives logits (B, classes, H, W), in float32 too. The first image
    of a size takes long: kernels are built for it, and its CUDA graph is kept, with the memory that it needs. Where
    that fails a warning says so, and PyTorch's own kernels run instead. Raises :class:`UserError` for a model that is
    not on a GPU, for another precision than float32 and float16, and for a size that does not fit.
    """
    if precision not in _PRECISIONS:
        raise UserError(f"precision {precision} is not for a GPU here; choose {' or '.join(_PRECISIONS)}")
    if next(model.parameters()).device.type != "cuda":
        raise UserError("the Triton kernels need the network on an NVIDIA GPU; move it there with model.to('cuda')")
    return GpuNetwork(model, precision)


class GpuNetwork(nn.Module):
    """See :func:`accelerate_on_gpu`."""

    def __init__(self, model: HyperSeg, precision: str) -> None:
        super().__init__()
        self.fused = fuse(model)
        self.dtype = _PRECISIONS[precision]
        self.plain: nn.Module | None = None
        self.sizes: dict[tuple[int, int], TritonNetwork] = {}

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        check_size(self.fused.variant, height, width)
        if self.plain is None and (height, width) not in self.sizes:
            try:
                self.sizes[height, width] = TritonNetwork(self.fused, (height, width), self.dtype)
            except UserError as error:
                warnings.warn(f"{error}; PyTorch's own kernels run instead, more slowly", stacklevel=2)
                self.plain = copy.deepcopy(self.fused).to(self.dtype)
        if self.plain is not None:
            return self.plain(images.to(self.dtype)).float()
        run = self.sizes[height, width]
        # Copied in float32, too: an answer's memory is written again by the next image.
        return torch.cat([run(image[None]).to(torch.float32, copy=True) for image in images])
