"""Each kernel of the trunk against PyTorch's layers, with the tiles that a GPU runs; in Triton's interpreter."""

import pytest
import torch
from timm.models._efficientnet_blocks import SqueezeExcite
from torch import Tensor, nn
from torch.nn import functional as F

from hyperseg.kernels.batch_norm import fold_batch_norms
from hyperseg.kernels.triton.activations import NONE, RELU6, SWISH
from hyperseg.kernels.triton.context import context_launches
from hyperseg.kernels.triton.depthwise import Window, choose_window, depthwise_launch
from hyperseg.kernels.triton.excite import excite_launches
from hyperseg.kernels.triton.launch import Launch
from hyperseg.kernels.triton.products import choose_tile, product_launch
from hyperseg.kernels.triton.stem import stem_launch
from hyperseg.models.context import ContextHead
from hyperseg.models.context_voc import VocContextHead

DTYPES = [torch.float32, torch.float16]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def near(got: Tensor, want: Tensor) -> None:
    """Within rounding of the answers' precision: sums are float32 in both."""
    assert want.float().std() > 0.05
    bound = 2e-5 if got.dtype == torch.float32 else 4e-3
    torch.testing.assert_close(got.float(), want.float(), atol=bound, rtol=bound)


def pixels_of(x: Tensor) -> Tensor:
    """(1, C, H, W) to (H * W, C)."""
    return x[0].flatten(1).t().contiguous()


def run(launches: list[Launch]) -> None:
    for launch in launches:
        launch()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("pixels", "channels", "columns", "activation", "gated", "residual"),
    [
        (70, 24, 40, SWISH, False, False),
        (33, 144, 24, NONE, True, True),
        (200, 40, 96, RELU6, False, False),
        (130, 320, 112, NONE, True, False),
    ],
)
def test_product(
    pixels: int, channels: int, columns: int, activation: int, gated: bool, residual: bool, dtype: torch.dtype
) -> None:
    x, weight = torch.randn(pixels, channels), torch.randn(columns, channels) / channels**0.5
    bias, gate, rest = torch.randn(columns), torch.rand(channels), torch.randn(pixels, columns)
    x, weight, gate, rest = (t.to(dtype).float() for t in (x, weight, gate, rest))
    want = (x * gate if gated else x) @ weight.t() + bias
    want = {NONE: want, SWISH: F.silu(want), RELU6: F.relu6(want)}[activation]
    want = want + rest if residual else want
    out = torch.full((pixels, columns), torch.nan, dtype=dtype)
    product_launch(
        x.to(dtype),
        weight,
        bias,
        out,
        activation,
        gate=gate.to(dtype) if gated else None,
        residual=rest.to(dtype) if residual else None,
    )()
    near(out, want)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_feature_is_reduced_beside_the_expansion(dtype: torch.dtype) -> None:
    """Columns of the expansion end inside a tile; the feature's are padded with zeros to 16."""
    x = torch.randn(50, 40).to(dtype)
    wide, narrow = torch.randn(240, 40) / 6, torch.randn(10, 40) / 6
    bias, shift = torch.randn(240), torch.randn(10)
    out, feature = torch.empty(50, 240, dtype=dtype), torch.full((50, 16), torch.nan, dtype=dtype)
    product_launch(x, wide, bias, out, SWISH, side=(feature, narrow, shift))()
    near(out, F.silu(x.float() @ wide.to(dtype).float().t() + bias))
    near(feature[:, :10], x.float() @ narrow.to(dtype).float().t() + shift)
    assert (feature[:, 10:] == 0).all()


def test_small_maps_get_small_tiles() -> None:
    assert choose_tile(32768, 144, 24).pixels == 128
    assert choose_tile(512, 1152, 192).pixels == 32


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("kernel", "stride", "pads"),
    [(3, 1, (1, 1)), (5, 1, (2, 2)), (3, 2, (0, 1)), (5, 2, (1, 2)), (5, 2, (2, 2))],
)
@pytest.mark.parametrize(("channels", "size"), [(32, (10, 10)), (24, (4, 6))])
def test_depthwise_with_sums(
    kernel: int, stride: int, pads: tuple[int, int], channels: int, size: tuple[int, int], dtype: torch.dtype
) -> None:
    x = torch.randn(1, channels, *size).to(dtype)
    weight, bias = torch.randn(channels, 1, kernel, kernel) / kernel, torch.randn(channels)
    want = F.silu(F.conv2d(F.pad(x.float(), pads * 2), weight, bias, stride, groups=channels))
    launch, out, sums = depthwise_launch(pixels_of(x), size, weight, bias, stride, pads[0], SWISH)
    launch()
    near(out, pixels_of(want))
    near(sums.sum(0) / out.shape[0], want.mean((0, 2, 3)))


def test_depthwise_parts_of_several_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program computes two tiles, and the last part is short."""
    monkeypatch.setattr("hyperseg.kernels.triton.depthwise.choose_window", lambda *shapes: Window(16, 16, 8, 4, 2, 1))
    x, weight = torch.randn(1, 8, 16, 16 * 5), torch.randn(8, 1, 3, 3)
    launch, out, sums = depthwise_launch(pixels_of(x), (16, 80), weight, None, 1, 1, NONE)
    launch()
    want = F.conv2d(x, weight, None, 1, 1, groups=8)
    assert (launch.constants["TILES"], sums.shape[0]) == (2, 3)
    near(out, pixels_of(want))
    torch.testing.assert_close(sums.sum(0), want.sum((0, 2, 3)), atol=1e-3, rtol=1e-4)


def test_programs_of_a_large_map_run_at_once() -> None:
    """A few more than fit at a time would take as long again."""
    for size in [(384, 768), (256, 512), (192, 256), (96, 96)]:
        for channels in (16, 32, 96, 144, 240):
            window = choose_window(size, channels, 3, 1)
            tiles = -(-size[0] // window.rows) * -(-size[1] // window.columns)
            programs = -(-tiles // window.tiles) * (channels // window.channels)
            if window.tiles > 1:
                assert programs <= 6 * 132
                assert window.registers * 32 * window.warps * 6 <= 65536  # what a multiprocessor has
            else:
                assert programs <= 8 * 132


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("channels", "squeezed", "parts"), [(40, 10, 1), (144, 6, 37), (672, 28, 3)])
def test_squeeze_excite(channels: int, squeezed: int, parts: int, dtype: torch.dtype) -> None:
    module = SqueezeExcite(channels, rd_channels=squeezed, act_layer=nn.SiLU).eval()
    for layer in (module.conv_reduce, module.conv_expand):
        nn.init.normal_(layer.weight, std=0.3)
        layer.weight.data = layer.weight.to(dtype).float()
    pixels = torch.randn(parts, 5, channels)
    launches, gate = excite_launches(
        pixels.sum(1).contiguous(),
        parts * 5,
        (module.conv_reduce.weight.flatten(1).detach(), module.conv_reduce.bias.detach()),
        (module.conv_expand.weight.flatten(1).detach(), module.conv_expand.bias.detach()),
        SWISH,
        dtype,
    )
    run(launches)
    ones = torch.ones(1, channels, 1, 1)
    with torch.no_grad():
        mean = pixels.mean((0, 1))[None, :, None, None]
        want = module.gate(module.conv_expand(module.act1(module.conv_reduce(mean)))) * ones
    near(gate, want.flatten())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("outputs", "renormalize"), [(32, False), (40, True)])
def test_stem(outputs: int, renormalize: bool, dtype: torch.dtype) -> None:
    image = torch.randn(1, 3, 22, 30).to(dtype)
    weight, bias = (torch.randn(outputs, 3, 3, 3) / 5).to(dtype).float(), torch.randn(outputs)
    scale, shift = torch.rand(1, 3, 1, 1) + 0.5, torch.randn(1, 3, 1, 1)
    normal = (image.float() * scale + shift).to(dtype) if renormalize else image
    want = F.silu(F.conv2d(F.pad(normal.float(), (0, 1, 0, 1)), weight, bias, 2))
    launch, out = stem_launch(image[0], weight, bias, 2, 0, SWISH, (scale, shift) if renormalize else None)
    launch()
    near(out, pixels_of(want))


def folded(module: nn.Module, example: Tensor) -> nn.Module:
    """Its batch norms folded into its convolutions."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.1)
            part.bias.data.normal_()
    fold_batch_norms(module.eval().requires_grad_(False), example)
    return module


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", ["alive", "dead", "voc"])
def test_context_heads(form: str, dtype: torch.dtype) -> None:
    size = (4, 12)
    x = torch.randn(1, 64, *size).to(dtype)
    context = folded(VocContextHead(64) if form == "voc" else ContextHead(64, 64), x.float())
    if form == "dead":
        context.down, context.up, context.dead_path = nn.Sequential(), nn.Sequential(), True
    launches, signal = context_launches(context, pixels_of(x), size)
    run(launches)
    want = pixels_of(context(x.float()))
    near(signal[:, : want.shape[1]], want)
    assert len(launches) == {"alive": 4, "dead": 1, "voc": 5}[form]
