"""The kernels that a network trains with, and what they change in rounding: a training's record holds both."""

from dataclasses import dataclass

from torch import nn

from hyperseg.kernels.cuda_training import attach_cuda_training, triton_builds
from hyperseg.kernels.native.build import compiler_version
from hyperseg.kernels.native.libraries import training_available
from hyperseg.kernels.native.training import LARGE_BATCH, attach_training
from hyperseg.kernels.native.training_levels import FEW_FILTERS, MANY_PATCHES
from hyperseg.models.network import HyperSeg

_LARGE = f"batches of at least {LARGE_BATCH} pixels"


@dataclass(frozen=True)
class TrainingKernels:
    """Which kernels train, as a training's record names them."""

    name: str
    compiler: str | None  # its version, or Triton's, where kernels were compiled on this machine
    rounding: str  # where the answers leave PyTorch's own operators in the last bits


NATIVE_ROUNDING = (
    f"{_LARGE} in float32 or bfloat16: batch norms with their statistics, depthwise convolutions and gates sum in an "
    "order that the shapes alone give, 1x1 and grouped convolutions as matrix products; depthwise convolutions of "
    f"patches from {MANY_PATCHES} patches or {FEW_FILTERS + 1} filters on; gradients of bilinear upsampling and of "
    "halo pixels; all else as PyTorch's operators"
)
PRODUCTS_ROUNDING = (
    f"{_LARGE}: 1x1 and grouped convolutions as matrix products, channels last; all else as PyTorch's operators, the "
    "gradients of depthwise convolutions of patches apart"
)
_ON_A_GPU = "weight generators as batched matrix products, 1x1 convolutions as matrix products"
BATCHED = TrainingKernels("batched", None, f"{_ON_A_GPU}; all else as PyTorch's operators")
TRITON_ROUNDING = (
    f"{_ON_A_GPU}; batch norms with their activations, squeeze and excitation, depthwise convolutions of patches and "
    "the gradient of upsampling to twice the size in kernels that add up in float32, in an order that the shapes alone "
    "give; all else as PyTorch's operators"
)
PLAIN = TrainingKernels("torch", None, "PyTorch's operators")  # of any other network


def training_kernels(device: str) -> TrainingKernels:
    """What :func:`attach` uses on a device, 'cpu' or 'cuda'."""
    if device != "cpu":
        if not triton_builds():
            return BATCHED
        import triton

        return TrainingKernels("triton", triton.__version__, TRITON_ROUNDING)
    if training_available():
        return TrainingKernels("native", compiler_version(), NATIVE_ROUNDING)
    return TrainingKernels("torch", None, PRODUCTS_ROUNDING)


def attach(model: nn.Module, device: str) -> TrainingKernels:
    """Attach the kernels for training on a device, 'cpu' or 'cuda', in place, and say which they are.

    The model's tensors keep their names and values. Attach before the first step; in eval mode
    answers are those of plain layers up to rounding.
    """
    if not isinstance(model, HyperSeg):
        return PLAIN
    if device == "cpu":
        attach_training(model)
    else:
        attach_cuda_training(model)
    return training_kernels(device)
