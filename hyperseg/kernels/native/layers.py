"""Maps of the trunk in C++, and its 1x1 convolutions."""

import ctypes
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hyperseg.errors import UserError
from hyperseg.kernels.native.libraries import Pointwise, trunk_library
from hyperseg.models.backbone_layers import Swish

LANES, GROUP = 16, 32  # channels of a vector; of a task, and of a block of a bfloat16 operand
SLACK = 32  # pixels that a product may read past a map's end
NONE, SWISH, RELU, RELU6 = range(4)


@dataclass(frozen=True)
class Map:
    """A map in channels-last memory, (B, h, w, C) contiguous, and its copy in bfloat16, channels padded to 32."""

    batch: int
    channels: int
    height: int
    width: int
    data: Tensor
    half: Tensor | None

    @classmethod
    def empty(cls, batch: int, channels: int, height: int, width: int, half: bool) -> "Map":
        pixels = batch * height * width
        data = torch.zeros(pixels * channels + LANES, dtype=torch.float32, device="cpu")
        copy = (
            torch.zeros((pixels + SLACK) * round_up(channels, GROUP), dtype=torch.bfloat16, device="cpu")
            if half
            else None
        )
        return cls(batch, channels, height, width, data, copy)

    @classmethod
    def of(cls, x: Tensor, half: bool) -> "Map":
        """A copy of (B, C, h, w)."""
        batch, channels, height, width = x.shape
        made = cls.empty(batch, channels, height, width, half)
        made.view().copy_(x)
        if made.half is not None:
            padded = round_up(channels, GROUP)
            rows = made.half[: batch * height * width * padded].view(batch, height, width, padded)
            rows[..., :channels].copy_(x.permute(0, 2, 3, 1))
        return made

    def view(self) -> Tensor:
        """(B, C, h, w) over the same memory."""
        pixels = self.batch * self.height * self.width
        shape = (self.batch, self.height, self.width, self.channels)
        return self.data[: pixels * self.channels].view(shape).permute(0, 3, 1, 2)

    def fits(self, batch: int, height: int, width: int) -> bool:
        return (self.batch, self.height, self.width) == (batch, height, width)


class NativePointwise:
    """A 1x1 convolution, or one whose stride is its kernel, with bias and activation: :class:`Map` to :class:`Map`.

    The answer's memory belongs to this object and is overwritten by its next call.
    """

    def __init__(self, convolution: nn.Conv2d, activation: nn.Module | None, half: bool, last: bool = False) -> None:
        weight = convolution.weight.detach().float()
        self.kernel = weight.shape[-1]
        assert self.kernel == 1 or convolution.stride[0] == self.kernel
        # A patch's channels lie next to each other, so the kernel's places are further input channels.
        self.weights = packed(weight.permute(0, 2, 3, 1).reshape(weight.shape[0], -1), half)
        self.bias = pad_first(bias_of(convolution), GROUP)
        self.inputs = self.kernel**2 * weight.shape[1]
        self.outputs = weight.shape[0]
        self.activation = activation_code(activation)
        self.half = half
        self.half_answer = half and not last  # no product reads the last layer's answer
        self.answer: Map | None = None

    def __call__(self, x: Map) -> Map:
        if self.kernel > 1:
            x = Map.of(_patches(x.view(), self.kernel), self.half)
        if self.answer is None or not self.answer.fits(x.batch, x.height, x.width):
            self.answer = Map.empty(x.batch, self.outputs, x.height, x.width, self.half_answer)
        assert x.channels == self.inputs
        layer = Pointwise(
            pixels=x.batch * x.height * x.width, inputs=self.inputs, outputs=self.outputs,
            out_blocks=round_up(self.outputs, LANES) // LANES, half=int(self.half), activation=self.activation,
            x=x.data.data_ptr(), x_half=pointer(x.half), weights=self.weights.data_ptr(), bias=self.bias.data_ptr(),
            y=self.answer.data.data_ptr(), y_half=pointer(self.answer.half),
        )  # fmt: skip
        trunk_library().hyperseg_trunk_pointwise(ctypes.byref(layer), torch.get_num_threads())
        return self.answer


def _patches(x: Tensor, kernel: int) -> Tensor:
    """(B, C, h, w) to (B, kernel * kernel * C, h / kernel, w / kernel): places of a patch first, then channels."""
    batch, channels, height, width = x.shape
    cells = x.reshape(batch, channels, height // kernel, kernel, width // kernel, kernel).permute(0, 3, 5, 1, 2, 4)
    return cells.reshape(batch, kernel * kernel * channels, height // kernel, width // kernel)


def activation_code(module: nn.Module | None) -> int:
    if module is None or isinstance(module, nn.Identity):
        return NONE
    for kind, code in ((Swish, SWISH), (nn.SiLU, SWISH), (nn.ReLU6, RELU6), (nn.ReLU, RELU)):
        if isinstance(module, kind):
            return code
    raise UserError(f"engine native has no kernel for {type(module).__name__}; choose another engine")


def packed(matrix: Tensor, half: bool, rounded: bool = True) -> Tensor:
    """(N, K) as the products read it: (N / 16, K, 16), or in bfloat16 tiles of 16 pairs, 16 outputs, 2."""
    outputs, inputs = matrix.shape
    if not half:
        return pad_first(matrix, LANES).reshape(-1, LANES, inputs).transpose(1, 2).contiguous()
    padded = F.pad(matrix, (0, -inputs % GROUP, 0, -outputs % GROUP))
    tiles = padded.reshape(-1, LANES, padded.shape[1] // GROUP, LANES, 2).permute(0, 2, 3, 1, 4).contiguous()
    return tiles.to(torch.bfloat16) if rounded else tiles


def matrix_of(convolution: nn.Conv2d) -> Tensor:
    return convolution.weight.detach().float().flatten(1)


def bias_of(convolution: nn.Conv2d) -> Tensor:
    """The bias; zeros where there is none, as a batch norm that was deleted, not folded, leaves it."""
    if convolution.bias is None:
        return convolution.weight.new_zeros(convolution.out_channels, dtype=torch.float32)
    return convolution.bias.detach().float().contiguous()


def pad_first(x: Tensor, multiple: int) -> Tensor:
    """Zeros after the first axis up to a multiple."""
    extra = -x.shape[0] % multiple
    return torch.cat((x, x.new_zeros(extra, *x.shape[1:]))).contiguous() if extra else x.contiguous()


def round_up(n: int, multiple: int) -> int:
    return -(-n // multiple) * multiple


def pointer(x: Tensor | None) -> int | None:
    return None if x is None else x.data_ptr()
