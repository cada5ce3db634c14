"""Attach what trains faster on a GPU than PyTorch's operators for a plain network."""

import warnings
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec

import torch
from timm.models._efficientnet_blocks import SqueezeExcite
from torch import Tensor, nn
from torch.nn import functional as F

from hyperseg.kernels.generators import grouped_product
from hyperseg.kernels.operators import attach
from hyperseg.kernels.recast import recast
from hyperseg.models.backbone_layers import Swish
from hyperseg.models.decoder import WeightGenerator, resize
from hyperseg.models.network import HyperSeg
from hyperseg.models.patchwise import Activation, Patchwise


class BatchedGenerator(WeightGenerator):
    """A weight generator as one batched product, a group each.

    cuDNN has no kernel for groups of such sizes and calls one product after the other, in both directions.
    """

    def forward(self, signal: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        return grouped_product(self, signal)


class ProductConv2d(nn.Conv2d):
    """A 1x1 convolution as a matrix product, which is what it is where the channels lie last."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias).permute(0, 3, 1, 2)


class NormActivation(nn.BatchNorm2d):
    """A batch norm and the activation it carries, if any: :mod:`hyperseg.kernels.triton.training.batch_norm`.

    In eval mode and off a GPU it is the layer in whose place it is.
    """

    def forward(self, x: Tensor) -> Tensor:
        from hyperseg.kernels.triton.activations import activation_code
        from hyperseg.kernels.triton.training.batch_norm import norm_activation

        if self.training and runs_kernels(x):
            return norm_activation(x, self, activation_code(self.activation))
        y = super().forward(x)
        return y if self.activation is None else self.activation(y)

    @property
    def activation(self) -> nn.Module | None:
        """What timm's norm layers carry."""
        return self._modules.get("act")


class Excite(SqueezeExcite):
    """timm's squeeze and excitation: :mod:`hyperseg.kernels.triton.training.gates`.

    With other activations than Swish and a sigmoid it is the layer in whose place it is; so it is in eval mode.
    """

    conv_reduce: nn.Conv2d
    act1: nn.Module
    conv_expand: nn.Conv2d
    gate: nn.Module

    def forward(self, x: Tensor) -> Tensor:
        from hyperseg.kernels.triton.training.gates import excited

        last = x.is_contiguous(memory_format=torch.channels_last)
        usual = isinstance(self.act1, Swish) and isinstance(self.gate, nn.Sigmoid)
        if not (self.training and last and usual and runs_kernels(x)):
            return x * self.gate(self.conv_expand(self.act1(self.conv_reduce(x.mean((2, 3), keepdim=True)))))
        reduce, expand = self.conv_reduce, self.conv_expand
        assert reduce.bias is not None
        assert expand.bias is not None
        return excited(x, reduce.weight.flatten(1), reduce.bias, expand.weight.flatten(1), expand.bias)


class KernelPatchwise(Patchwise):
    """A level's batch norms with their activations, and its depthwise convolution, in Triton's kernels."""

    def depthwise(self, patches: Tensor, filters: Tensor, norm: nn.Module, activation: Activation = "none") -> Tensor:
        from hyperseg.kernels.triton.training.patches import LARGEST, convolved

        if not (norm.training and runs_kernels(patches) and patches.shape[2] * patches.shape[3] <= LARGEST):
            return super().depthwise(patches, filters, norm, activation)
        return self.normalize(convolved(patches, filters), norm, activation)

    def normalize(self, y: Tensor, norm: nn.Module, activation: Activation) -> Tensor:
        from hyperseg.kernels.triton.activations import NONE, RELU, RELU6
        from hyperseg.kernels.triton.training.batch_norm import norm_activation

        if not (norm.training and runs_kernels(y)):
            return super().normalize(y, norm, activation)
        assert isinstance(norm, nn.BatchNorm2d)
        return norm_activation(y, norm, {"none": NONE, "relu": RELU, "relu6": RELU6}[activation])


def double(x: Tensor, size: Sequence[int]) -> Tensor:
    """As :func:`hyperseg.models.decoder.resize`; to twice the size with a gradient of a fixed order."""
    from hyperseg.kernels.triton.training.doubling import doubled

    twice = tuple(size) == (2 * x.shape[2], 2 * x.shape[3])
    return doubled(x) if twice and torch.is_grad_enabled() and runs_kernels(x) else resize(x, size)


def runs_kernels(x: Tensor) -> bool:
    """Whether Triton's kernels run on this tensor: on a GPU, or in Triton's interpreter."""
    import triton

    return (x.is_cuda or bool(triton.knobs.runtime.interpret)) and x.dtype != torch.float64


@cache
def triton_builds() -> bool:
    """Whether Triton is there and builds kernels for this machine's GPU, for which it needs a C compiler."""
    if find_spec("triton") is None:
        return False
    if torch.cuda.is_available():
        from hyperseg.kernels.triton.training.doubling import doubled

        try:
            doubled(torch.zeros(1, 1, 2, 2, device="cuda", requires_grad=True)).sum().backward()
        except Exception as error:  # Triton's own, LLVM's, ptxas's, the C compiler's
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            text = f"Triton cannot build kernels here ({type(error).__name__}: {first}); PyTorch's own train instead"
            warnings.warn(text, stacklevel=2)
            return False
    return True


def attach_cuda_training(model: HyperSeg) -> None:
    """Put the layers of this module in place, in a model on any device; its tensors keep names and values.

    Where Triton builds nothing, norms, gates, patches and upsampling stay PyTorch's.
    """
    generators = model.decoder.generators
    made = [recast(g, BatchedGenerator) if type(g) is WeightGenerator else g for g in generators]
    model.decoder.generators = nn.ModuleList(made)
    with_triton = triton_builds()
    for module in list(model.modules()):
        for name, layer in list(module.named_children()):
            if (
                type(layer) is nn.Conv2d
                and layer.kernel_size == (1, 1)
                and layer.stride == (1, 1)
                and layer.groups == 1
            ):
                setattr(module, name, recast(layer, ProductConv2d))
            elif with_triton and type(layer) is SqueezeExcite:
                setattr(module, name, recast(layer, Excite))
            elif with_triton and isinstance(layer, nn.BatchNorm2d):
                setattr(module, name, recast(layer, NormActivation))
    if with_triton:
        attach(model, KernelPatchwise())
        model.decoder.resize = double
