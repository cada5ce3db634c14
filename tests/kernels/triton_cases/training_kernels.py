"""Kernels of a training step against PyTorch's operators in float64, in Triton's interpreter."""

import copy

import pytest
import torch
from timm.models._efficientnet_blocks import SqueezeExcite
from torch import Tensor, nn
from torch.nn import functional as F
from triton.runtime.interpreter import InterpretedFunction

from hyperseg import create_model
from hyperseg.kernels.cuda_training import Excite, attach_cuda_training
from hyperseg.kernels.inference import fuse
from hyperseg.kernels.recast import recast
from hyperseg.kernels.triton.activations import NONE, RELU, RELU6, SWISH
from hyperseg.kernels.triton.network import NetworkPlan
from hyperseg.kernels.triton.training.batch_norm import norm_activation
from hyperseg.kernels.triton.training.doubling import doubled
from hyperseg.kernels.triton.training.patches import convolved
from hyperseg.models import patchwise
from hyperseg.models.backbone_layers import Swish

ACTIVATIONS = {NONE: lambda z: z, SWISH: F.silu, RELU: F.relu, RELU6: F.relu6}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def near(got: Tensor | None, want: Tensor | None) -> None:
    """Within float32's rounding of sums, by the size of the tensor's values."""
    assert got is not None
    assert want is not None
    bound = 3e-6 * max(1.0, want.detach().abs().max().item())
    torch.testing.assert_close(got.double(), want.double(), atol=bound, rtol=1e-5)


def leaves(*tensors: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """The same values twice, float32 and float64, each taking gradients and lying as the tensor does."""
    single = [tensor.clone().requires_grad_() for tensor in tensors]
    return single, [tensor.double().clone().requires_grad_() for tensor in tensors]


@pytest.mark.parametrize(
    ("shape", "last", "activation"),
    [  # every activation in both layouts, where the interpreter is quick
        *(((2, 24, 9, 7), True, activation) for activation in ACTIVATIONS),
        *(((40, 13, 1, 1), False, activation) for activation in ACTIVATIONS),
        ((2, 24, 9, 7), False, 1), ((6, 80, 4, 4), False, 2), ((2, 100, 20, 31), True, 3),
    ],
)  # fmt: skip
def test_batch_norm_with_its_activation(shape: tuple[int, ...], last: bool, activation: int) -> None:
    """A mean five deviations from zero, where squares would cancel."""
    x = torch.randn(*shape) + 5
    if last:
        x = x.contiguous(memory_format=torch.channels_last)
    norm = nn.BatchNorm2d(shape[1], eps=1e-3)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    plain = copy.deepcopy(norm).double()
    (ours,), (theirs,) = leaves(x)
    got, want = norm_activation(ours, norm, activation), ACTIVATIONS[activation](plain(theirs))
    assert got.is_contiguous(memory_format=torch.channels_last) or not last
    grad = torch.randn(*shape)
    got.backward(grad)
    want.backward(grad.double())
    near(got, want)
    near(ours.grad, theirs.grad)
    for name, parameter in norm.named_parameters():
        near(parameter.grad, plain.get_parameter(name).grad)
    for name, buffer in norm.named_buffers():
        near(buffer, plain.get_buffer(name))


def test_a_doubled_maps_gradient() -> None:
    (ours,), (theirs,) = leaves(torch.randn(2, 5, 6, 9))
    got = doubled(ours)
    want = F.interpolate(theirs, (12, 18), mode="bilinear", align_corners=False)
    grad = torch.randn_like(got)
    got.backward(grad)
    want.backward(grad.double())
    near(got, want)
    near(ours.grad, theirs.grad)


@pytest.mark.parametrize(("size", "count", "channels"), [((4, 4), 3, 5), ((1, 1), 7, 3), ((16, 16), 2, 9)])
def test_patches_convolved(size: tuple[int, int], count: int, channels: int) -> None:
    x, filters = torch.randn(count, channels, size[0] + 2, size[1] + 2), torch.randn(count, channels * 9)
    (ours, weights), (theirs, plain) = leaves(x, filters)
    got, want = convolved(ours, weights), patchwise.depthwise(theirs, plain)
    grad = torch.randn_like(got)
    got.backward(grad)
    want.backward(grad.double())
    near(got, want)
    near(ours.grad, theirs.grad)
    near(weights.grad, plain.grad)


@pytest.mark.parametrize(("channels", "squeezed", "size"), [(40, 10, (7, 9)), (144, 6, (12, 17))])
def test_squeeze_and_excitation(channels: int, squeezed: int, size: tuple[int, int]) -> None:
    module = SqueezeExcite(channels, rd_channels=squeezed, act_layer=Swish).train()
    plain = copy.deepcopy(module).double()
    ours = recast(module, Excite)
    (x,), (y,) = leaves(torch.randn(2, channels, *size).contiguous(memory_format=torch.channels_last))
    got, want = ours(x), plain(y)
    assert type(got.grad_fn).__name__ == "_ExcitedBackward"
    grad = torch.randn_like(got)
    got.backward(grad)
    want.backward(grad.double())
    near(got, want)
    near(x.grad, y.grad)
    for name, parameter in ours.named_parameters():
        near(parameter.grad, plain.get_parameter(name).grad)


def test_attached_parts_of_a_network() -> None:
    """A block of the backbone and a level of the decoder, as they are attached, against plain ones in float64."""
    plain = create_model("camvid_hyperseg_s", stochastic_depth=0.0, dropout=0.0).train()
    exact = copy.deepcopy(plain).double()
    attach_cuda_training(plain)
    attached = plain.to(memory_format=torch.channels_last)
    assert list(attached.state_dict()) == list(exact.state_dict())

    block, same = attached.backbone.blocks[2][1], exact.backbone.blocks[2][1]
    x = torch.randn(2, block.conv_pw.in_channels, 10, 12).contiguous(memory_format=torch.channels_last)
    (ours,), (theirs,) = leaves(x)
    step(block(ours), same(theirs))
    near(ours.grad, theirs.grad)
    same_gradients(block, same)

    level, twin = attached.decoder.levels[3], exact.decoder.levels[3]
    x, weights = torch.randn(2, level.shape.inputs, 16, 24), torch.randn(2, level.shape.weights, 2, 3) / 4
    (ours, own), (theirs, their_own) = leaves(x, weights)
    step(level(ours, own), twin(theirs, their_own))
    near(ours.grad, theirs.grad)
    near(own.grad, their_own.grad)
    same_gradients(level, twin)


def test_products_and_sums_are_fused_whatever_tritons_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its default changes with Triton 3.10, and a training's last bits would with it."""
    asked: dict[str, object] = {}
    run = InterpretedFunction.run

    def seen(self: InterpretedFunction, *arguments: object, **keywords: object) -> object:
        asked[self.__name__] = keywords.get("enable_fp_fusion")
        return run(self, *arguments, **keywords)

    monkeypatch.setattr(InterpretedFunction, "run", seen)
    x = torch.randn(2, 16, 4, 4, requires_grad=True)
    gated = recast(SqueezeExcite(16, rd_channels=4, act_layer=Swish).train(), Excite)
    y = gated(norm_activation(x.contiguous(memory_format=torch.channels_last), nn.BatchNorm2d(16), RELU))
    y = doubled(convolved(y, torch.randn(2, 16 * 9, requires_grad=True)))
    y.sum().backward()
    assert len(asked) == 11
    assert set(asked.values()) == {True}


def step(got: Tensor, want: Tensor) -> None:
    near(got, want)
    grad = torch.randn_like(got)
    got.backward(grad)
    want.backward(grad.double())


def same_gradients(ours: nn.Module, theirs: nn.Module) -> None:
    """By the size of the largest: a weight before a batch norm has a gradient that is a sum of cancelling terms."""
    largest = max(parameter.grad.abs().max().item() for parameter in theirs.parameters() if parameter.grad is not None)
    for name, parameter in ours.named_parameters():
        want = theirs.get_parameter(name).grad
        assert torch.allclose(parameter.grad.double(), want, atol=1e-5 * largest, rtol=1e-4), name
    for name, buffer in ours.named_buffers():
        near(buffer, theirs.get_buffer(name))


def test_a_network_attached_for_training_runs_in_the_engine_afterwards() -> None:
    network = create_model("camvid_hyperseg_s")
    attach_cuda_training(network)
    plan = NetworkPlan(fuse(network.eval()).to("meta"), (128, 128), torch.float16)
    assert len(plan.launches) == 125


def test_a_number_that_is_none_stays_so() -> None:
    x = torch.randn(2, 4, 3, 3)
    x[0, 1, 1, 1] = torch.nan
    for activation in (RELU, RELU6):
        answer = norm_activation(x, nn.BatchNorm2d(4), activation)
        assert answer[:, 1].isnan().all()
        assert answer[:, 0].isfinite().all()


def test_one_value_a_channel_is_refused() -> None:
    with pytest.raises(ValueError, match="needs more than one value a channel"):
        norm_activation(torch.randn(1, 4, 1, 1), nn.BatchNorm2d(4), NONE)
