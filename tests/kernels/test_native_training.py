"""The kernels of a training step on a CPU against PyTorch's operators."""

import pytest
import torch
from close_tensors import close
from torch import nn
from torch.nn import functional as F

from hyperseg.kernels.native import training_depthwise, training_maps, training_norm
from hyperseg.kernels.native.build import compiler
from hyperseg.kernels.native.training_layers import GeneratorProduct, NativeNorm, PatchProduct, PointwiseProduct
from hyperseg.kernels.native.training_levels import MANY_PATCHES, TrainingPatchwise, resize
from hyperseg.kernels.recast import recast
from hyperseg.models.decoder import Level, WeightGenerator
from hyperseg.models.layout import GeneratorShape, Kind, LevelShape
from hyperseg.models.patchwise import Patchwise

native = pytest.mark.skipif(compiler() is None, reason="needs a C++ compiler")
ACTIVATIONS = {"none": lambda x: x, "swish": F.silu, "relu": F.relu, "relu6": F.relu6}
LAYOUTS = {"planes": torch.contiguous_format, "channels_last": torch.channels_last}
DTYPES = [torch.float32, torch.bfloat16]  # of the maps; parameters are float32 either way


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def mixed(dtype: torch.dtype) -> torch.autocast:
    """What a training step in this precision runs in."""
    return torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16)


def tolerance_of(dtype: torch.dtype) -> float:
    return 1e-5 if dtype == torch.float32 else 2**-7


@native
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(2, 96, 16, 16), (3, 20, 7, 5), (5, 7, 3, 3), (2, 44, 18, 18), (9, 8, 1, 1)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_norm_equals_torch_in_float64(
    dtype: torch.dtype, shape: tuple[int, int, int, int], layout: str, activation: str
) -> None:
    x = (torch.randn(shape) * 2 + 30).to(dtype).contiguous(memory_format=LAYOUTS[layout]).requires_grad_()
    norm = nn.BatchNorm2d(shape[1], momentum=0.3)
    nn.init.uniform_(norm.weight, 0.5, 2)
    nn.init.normal_(norm.bias)
    twin = nn.BatchNorm2d(shape[1], momentum=0.3)
    twin.load_state_dict(norm.state_dict())
    twin.double()
    with mixed(dtype):
        assert training_norm.fits(x, norm)
        got = training_norm.norm_activate(x, norm, activation)
    wide = x.detach().double().requires_grad_()
    expected = ACTIVATIONS[activation](twin(wide))
    grad = torch.randn(shape).to(dtype)
    close([got], [expected], tolerance_of(dtype))
    close(
        torch.autograd.grad(got, (x, norm.weight, norm.bias), grad),
        torch.autograd.grad(expected, (wide, twin.weight, twin.bias), grad.double()),
        tolerance_of(dtype),
    )
    close([norm.running_mean, norm.running_var], [twin.running_mean, twin.running_var])
    assert norm.num_batches_tracked == twin.num_batches_tracked == 1


@native
def test_a_norm_alone_is_exact_on_channels_last_maps() -> None:
    """Of this map PyTorch's own has errors of 1e-5 of the deviation."""
    x = (torch.randn(2, 32, 128, 192) + 3).contiguous(memory_format=torch.channels_last).requires_grad_()
    norm = recast(nn.BatchNorm2d(32), NativeNorm)
    expected = nn.BatchNorm2d(32).double()(x.detach().double())
    assert (norm(x) - expected).abs().max() < 2e-6


@native
@pytest.mark.parametrize("kernel", training_maps.KERNELS)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(2, 96, 16, 16), (2, 20, 9, 7), (1, 17, 5, 6), (3, 16, 2, 2), (1, 32, 3, 1)])
@pytest.mark.parametrize("extra", [0, 1])  # lines after the map beyond those before it
@pytest.mark.parametrize("dtype", DTYPES)
def test_depthwise_equals_torch(
    dtype: torch.dtype, size: tuple[int, int, int, int], kernel: int, stride: int, extra: int
) -> None:
    x = torch.randn(size).to(dtype).contiguous(memory_format=torch.channels_last).requires_grad_()
    weight = torch.randn(size[1], 1, kernel, kernel, requires_grad=True)
    before, after = kernel // 2, kernel // 2 + extra
    got = training_maps.depthwise(x, weight, stride, before, after)
    assert got.dtype == dtype
    wide = x.detach().float().requires_grad_()
    expected = F.conv2d(F.pad(wide, (before, after, before, after)), weight, stride=stride, groups=size[1])
    grad = torch.randn(expected.shape).to(dtype)
    close([got], [expected], tolerance_of(dtype))
    close(
        torch.autograd.grad(got, (x, weight), grad),
        torch.autograd.grad(expected, (wide, weight), grad.float()),
        tolerance_of(dtype),
    )


@native
@pytest.mark.parametrize("size", [(2, 96, 16, 16), (3, 20, 9, 7)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_excitation_equals_torch(dtype: torch.dtype, size: tuple[int, int, int, int]) -> None:
    channels, hidden = size[1], 6
    x = torch.randn(size).to(dtype).contiguous(memory_format=torch.channels_last).requires_grad_()
    parameters = [torch.randn(s) for s in ((hidden, channels), (hidden,), (channels, hidden), (channels,))]
    reduce, shift, expand, last_shift = parameters = [p.requires_grad_() for p in parameters]
    grad = torch.randn(size).to(dtype)
    kept = grad.clone()
    with mixed(dtype):
        got = training_maps.excite(x, *parameters)
    assert got.dtype == dtype
    wide = x.detach().float().requires_grad_()
    gate = torch.sigmoid(F.linear(F.silu(F.linear(wide.mean((2, 3)), reduce, shift)), expand, last_shift))
    expected = wide * gate[..., None, None]
    close([got], [expected], tolerance_of(dtype))
    close(
        torch.autograd.grad(got, (x, *parameters), grad),
        torch.autograd.grad(expected, (wide, *parameters), grad.float()),
        tolerance_of(dtype),
    )
    assert torch.equal(grad, kept)


@native
@pytest.mark.parametrize("size", [(2, 3, 8, 6), (1, 2, 1, 5), (1, 1, 3, 1), (2, 5, 33, 40)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_upsampling_equals_torch(dtype: torch.dtype, size: tuple[int, int, int, int]) -> None:
    x = torch.randn(size, dtype=dtype, requires_grad=True)
    with mixed(dtype):
        got = resize(x, (2 * size[2], 2 * size[3]))
    assert got.grad_fn is not None
    assert "Upsample2" in got.grad_fn.name()
    wide = x.detach().float().requires_grad_()
    expected = F.interpolate(wide, scale_factor=2, mode="bilinear", align_corners=False)
    grad = torch.randn(expected.shape).to(dtype)
    close([got], [expected], tolerance_of(dtype))
    close(torch.autograd.grad(got, x, grad), torch.autograd.grad(expected, wide, grad.float()), tolerance_of(dtype))


@native
@pytest.mark.parametrize("patch", [(1, 1), (2, 1), (1, 3), (4, 5)])
@pytest.mark.parametrize("grid", [(2, 3), (6, 6), (3, 2)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_patches_equal_torch(dtype: torch.dtype, grid: tuple[int, int], patch: tuple[int, int]) -> None:
    height, width = grid[0] * patch[0], grid[1] * patch[1]
    x = torch.randn(2, 3, height, width, dtype=dtype, requires_grad=True)
    with mixed(dtype):
        got = TrainingPatchwise().split_with_halo(x, grid)
    assert got.grad_fn is not None
    assert "Split" in got.grad_fn.name()
    grad = torch.randn(got.shape).to(dtype)
    (got_grad,) = torch.autograd.grad(got, x, grad)
    wide = x.detach().float().requires_grad_()
    expected = Patchwise().split_with_halo(wide, grid)
    assert torch.equal(got.float(), expected)
    close([got_grad], torch.autograd.grad(expected, wide, grad.float()), tolerance_of(dtype))


@pytest.mark.parametrize("kind", ["pointwise", "patches", "groups"])
def test_products_equal_convolutions(kind: str) -> None:
    plain: nn.Conv2d
    product: nn.Conv2d
    if kind == "groups":
        plain = WeightGenerator(GeneratorShape(8, 20, groups=6, counts=(27,)))
        product = recast(plain, GeneratorProduct)
    elif kind == "patches":
        plain = nn.Conv2d(24, 40, 2, stride=2, bias=False)
        product = recast(plain, PatchProduct)
    else:
        plain = nn.Conv2d(24, 40, 1)
        product = recast(plain, PointwiseProduct)
    x = torch.randn(2, 24, 8, 16).contiguous(memory_format=torch.channels_last).requires_grad_()
    got, expected = ((y[0] if kind == "groups" else y) for y in (product(x), plain(x)))
    grad = torch.randn_like(got)
    close([got], [expected])
    inputs = (x, *plain.parameters())
    close(torch.autograd.grad(got, inputs, grad), torch.autograd.grad(expected, inputs, grad))


@native
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(3, 5, 4, 4), (2, 3, 1, 7), (1, 2, 16, 33)])
def test_patches_convolved_by_filters_of_their_own(size: tuple[int, int, int, int], dtype: torch.dtype) -> None:
    count, channels, height, width = size
    x = torch.randn(count, channels, height + 2, width + 2, dtype=dtype, requires_grad=True)
    filters = torch.randn(count, channels, 9, dtype=dtype, requires_grad=True)
    got = training_depthwise.depthwise(x, filters)
    assert got.dtype == dtype
    assert got.grad_fn is not None
    assert "Native" in got.grad_fn.name()
    wide = [tensor.detach().double().requires_grad_() for tensor in (x, filters)]
    planes, own = wide[0].reshape(1, -1, height + 2, width + 2), wide[1].reshape(-1, 1, 3, 3)
    expected = F.conv2d(planes, own, groups=count * channels).reshape(size)
    grad = torch.randn(size).to(dtype)
    close([got], [expected], tolerance_of(dtype))
    close(
        torch.autograd.grad(got, (x, filters), grad),
        torch.autograd.grad(expected, wide, grad.double()),
        tolerance_of(dtype),
    )


@native
def test_bfloat16_rounds_as_torch_does() -> None:
    """A patch of one pixel under a filter that is 1 in the middle: float32 values go through bfloat16 and back."""
    special = torch.tensor([0.0, -0.0, float("inf"), -float("inf"), float("nan"), 1e-40, 3.3895e38, 1 + 2**-8])
    x = torch.cat([special, torch.randn(1000) * 10.0 ** torch.randint(-30, 30, (1000,))]).bfloat16()
    x = x.reshape(1, -1, 1, 1).contiguous(memory_format=torch.channels_last).requires_grad_()
    weight = torch.full((x.shape[1], 1, 3, 3), 0.0)
    weight[:, 0, 1, 1] = torch.randn(x.shape[1])
    got = training_maps.depthwise(x, weight, 1, 1, 1).flatten()
    want = (x.detach().float().flatten() * weight[:, 0, 1, 1]).bfloat16()
    assert torch.equal(got.isnan(), want.isnan())
    assert torch.equal(got.nan_to_num(), want.nan_to_num())


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
        level.operator = TrainingPatchwise()
        inputs = [t.to(dtype).requires_grad_() for t in (x, weights)]
        out = level(*inputs)
        grad = torch.cos(torch.arange(out.numel(), dtype=dtype)).view_as(out)
        results.append([out, *torch.autograd.grad(out, (*inputs, *level.parameters()), grad)])
    close(*results, tolerance=1e-4)
