"""The kernels of a training step on a CPU against PyTorch's operators."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hyperseg.models.backbone import LARGE_BATCH, Backbone
from hyperseg.models.context import PatchConv2d
from hyperseg.models.decoder import Level
from hyperseg.models.layout import Kind, LevelShape
from hyperseg.models.native import build, training_maps, training_norm
from hyperseg.models.native.build import compiler
from hyperseg.models.patchwise import MANY_PATCHES

native = pytest.mark.skipif(compiler() is None, reason="needs a C++ compiler")
ACTIVATIONS = {"none": lambda x: x, "swish": F.silu, "relu": F.relu, "relu6": F.relu6}
LAYOUTS = {"planes": torch.contiguous_format, "channels_last": torch.channels_last}


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def close(ours: Sequence[Tensor], theirs: Sequence[Tensor], tolerance: float = 1e-5) -> None:
    """Each within ``tolerance`` of the largest value; some gradients are 0 but for rounding."""
    for mine, other in zip(ours, theirs, strict=True):
        largest = float(other.detach().abs().max())
        torch.testing.assert_close(mine.double(), other.double(), rtol=0, atol=tolerance * largest + 1e-5)


@native
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(2, 96, 16, 16), (3, 20, 7, 5), (5, 7, 3, 3), (2, 44, 18, 18), (9, 8, 1, 1)])
def test_norm_equals_torch_in_float64(shape: tuple[int, int, int, int], layout: str, activation: str) -> None:
    x = (torch.randn(shape) * 2 + 30).contiguous(memory_format=LAYOUTS[layout]).requires_grad_()
    norm = nn.BatchNorm2d(shape[1], momentum=0.3)
    nn.init.uniform_(norm.weight, 0.5, 2)
    nn.init.normal_(norm.bias)
    twin = nn.BatchNorm2d(shape[1], momentum=0.3)
    twin.load_state_dict(norm.state_dict())
    twin.double()
    assert training_norm.fits(x, norm)
    got = training_norm.norm_activate(x, norm, activation)
    wide = x.detach().double().requires_grad_()
    expected = ACTIVATIONS[activation](twin(wide))
    grad = torch.randn(shape)
    close([got], [expected])
    close(
        torch.autograd.grad(got, (x, norm.weight, norm.bias), grad),
        torch.autograd.grad(expected, (wide, twin.weight, twin.bias), grad.double()),
    )
    close([norm.running_mean, norm.running_var], [twin.running_mean, twin.running_var])
    assert norm.num_batches_tracked == twin.num_batches_tracked == 1


@native
@pytest.mark.parametrize("kernel", training_maps.KERNELS)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(2, 96, 16, 16), (2, 20, 9, 7), (1, 17, 5, 6), (3, 16, 2, 2), (1, 32, 3, 1)])
@pytest.mark.parametrize("extra", [0, 1])  # lines after the map beyond those before it
def test_depthwise_equals_torch(size: tuple[int, int, int, int], kernel: int, stride: int, extra: int) -> None:
    x = torch.randn(size).contiguous(memory_format=torch.channels_last).requires_grad_()
    weight = torch.randn(size[1], 1, kernel, kernel, requires_grad=True)
    before, after = kernel // 2, kernel // 2 + extra
    got = training_maps.depthwise(x, weight, stride, before, after)
    expected = F.conv2d(F.pad(x, (before, after, before, after)), weight, stride=stride, groups=size[1])
    grad = torch.randn(expected.shape)
    close([got], [expected])
    close(torch.autograd.grad(got, (x, weight), grad), torch.autograd.grad(expected, (x, weight), grad))


@native
@pytest.mark.parametrize("size", [(2, 96, 16, 16), (3, 20, 9, 7)])
def test_gate_equals_torch(size: tuple[int, int, int, int]) -> None:
    x = torch.randn(size).contiguous(memory_format=torch.channels_last).requires_grad_()
    weight = torch.randn(size[1], size[1], requires_grad=True)
    grad = torch.randn(size)
    kept = grad.clone()
    got = training_maps.gated(x, lambda mean: torch.sigmoid(mean @ weight))
    expected = x * torch.sigmoid(x.mean((2, 3)) @ weight)[..., None, None]
    close([got], [expected])
    close(torch.autograd.grad(got, (x, weight), grad), torch.autograd.grad(expected, (x, weight), grad))
    assert torch.equal(grad, kept)


def test_convolution_of_patches_equals_torch() -> None:
    convolution = PatchConv2d(24, 40, 2, stride=2, bias=False).train()
    x = torch.randn(2, 24, 8, 16, requires_grad=True)
    got, expected = convolution(x), F.conv2d(x, convolution.weight, stride=2)
    grad = torch.randn_like(got)
    close([got], [expected])
    inputs = (x, convolution.weight)
    close(torch.autograd.grad(got, inputs, grad), torch.autograd.grad(expected, inputs, grad))


def gradients(backbone: Backbone, image: Tensor) -> list[Tensor]:
    backbone.zero_grad()
    features, head = backbone(image)
    sum((f * f.detach().roll(1, 3)).mean() for f in (*features, head)).backward()
    return [*features, head, *(p.grad for p in backbone.parameters() if p.grad is not None)]


@pytest.mark.parametrize("compiled", [pytest.param(True, marks=native), False])
def test_large_batches_train_to_float_precision(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not compiled:
        monkeypatch.setattr(build, "compiler", lambda: None)
    backbone = Backbone("tf_efficientnet_b0", (1, 0.25, 0.25, 0.25, 0.25), stochastic_depth=0.0, dropout=0.0).train()
    image = torch.randn(2, 3, 256, 256)
    assert image[:, 0].numel() >= LARGE_BATCH
    got, again = gradients(backbone, image), gradients(backbone, image)
    assert all(torch.equal(a, b) for a, b in zip(got, again, strict=True))
    expected = gradients(backbone.double(), image.double())
    close(got, expected, 1e-3)  # through twenty batch norms, the deepest over 128 pixels


@native
@pytest.mark.parametrize("kind", ["conv", "block", "shared_halo_block"])
def test_levels_of_many_patches_equal_float64(kind: Kind) -> None:
    shape, (rows, columns), patch = LevelShape(kind, 6, 6), (8, 8), (4, 3)
    x = torch.randn(2, 6, rows * patch[0], columns * patch[1])
    weights = torch.randn(2, shape.weights, rows, columns)
    assert 2 * rows * columns >= MANY_PATCHES
    results = []
    for dtype in (torch.float32, torch.float64):
        level = Level(shape).to(dtype).train()
        inputs = [t.to(dtype).requires_grad_() for t in (x, weights)]
        out = level(*inputs)
        grad = torch.cos(torch.arange(out.numel(), dtype=dtype)).view_as(out)
        results.append([out, *torch.autograd.grad(out, (*inputs, *level.parameters()), grad)])
    close(*results, tolerance=1e-4)
