"""Each kernel of the decoder against the plain modules, for every variant's levels; in Triton's interpreter."""

import os
from functools import cache

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from hyperseg import create_model
from hyperseg.errors import UserError
from hyperseg.kernels.inference import fuse
from hyperseg.kernels.triton.blocks import block_launches
from hyperseg.kernels.triton.decoder import DecoderPlan
from hyperseg.kernels.triton.generators import generate_launch
from hyperseg.kernels.triton.levels import conv_launch
from hyperseg.kernels.triton.rows import LevelRow, level_rows
from hyperseg.kernels.triton.upsampling import classify_launch, upsample_launch
from hyperseg.latency.random_weights import randomize
from hyperseg.models.decoder import Decoder, Level, WeightGenerator, coordinates, resize
from hyperseg.models.layout import LevelShape
from hyperseg.models.network import class_map
from hyperseg.models.variants import VARIANTS

DTYPES = [torch.float32, torch.float16]
EVERYTHING = os.environ.get("HYPERSEG_TRITON_CASES") == "all"
# Levels 0 to 3 of the CamVid variants have the shapes of cityscapes_hyperseg_m's.
LEVELS = [
    (name, index, dtype)
    for name, variant in VARIANTS.items()
    for index in range(len(variant.kernels))
    for dtype in DTYPES
    if EVERYTHING or ((not name.startswith("camvid") or index > 3) and (dtype == torch.float32 or name[-1] == "m"))
]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@cache
def decoder_of(variant: str) -> Decoder:
    """A fused decoder whose norms and generated weights all matter."""
    torch.manual_seed(0)
    model = create_model(variant).eval()
    randomize(model)
    return fuse(model).decoder


def pixels_of(x: Tensor, width: int) -> Tensor:
    """(1, C, H, W) to (H * W, width), the last channels zeros."""
    return F.pad(x[0].flatten(1).t(), (0, width - x.shape[1])).contiguous()


def map_of(pixels: Tensor, channels: int, height: int) -> Tensor:
    return pixels[:, :channels].t().reshape(1, channels, height, -1)


def near(got: Tensor, want: Tensor) -> None:
    assert want.std() > 0.05
    bound = 3e-5 if got.dtype == torch.float32 else 2e-2
    torch.testing.assert_close(got.float(), want.float(), atol=bound, rtol=bound)


def rows_of(decoder: Decoder) -> tuple[list[LevelRow], list[WeightGenerator]]:
    generators = [g for g in decoder.generators if isinstance(g, WeightGenerator)]
    return level_rows(decoder.shapes, image_last=len(decoder.levels) == 6), generators


def weights_in_rows(weights: list[Tensor], rows: list[LevelRow]) -> Tensor:
    """Plain weights (1, P, gh, gw) of each level as cells' rows."""
    parts = []
    for level, row in zip(weights, rows, strict=True):
        flat = level[0].flatten(1).t()
        sources = row.sources()
        parts.append(torch.where(sources >= 0, flat[:, sources.clamp(min=0)], 0.0))
    cells = torch.cat(parts, 1)
    return F.pad(cells, (0, -cells.shape[1] % 128)).contiguous()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_generated_rows_hold_every_weight_once(variant: str, dtype: torch.dtype) -> None:
    decoder = decoder_of(variant)
    rows, generators = rows_of(decoder)
    width = -(-max(g.shape.end for g in generators) // 32) * 32
    signal = torch.randn(1, width, 3, 5).relu().to(dtype)
    weights = [w for g in generators for w in g(signal.float())]
    launch, cells = generate_launch(generators, rows, pixels_of(signal, width), coarse=True)
    launch()
    want = weights_in_rows(weights, rows)
    assert [int((row.sources() >= 0).sum()) for row in rows] == [shape.weights for shape in decoder.shapes]
    near(cells[:, : rows[-1].end], want[:, : rows[-1].end])
    assert all(row.begin % 16 == 0 and row.end % 16 == 0 for row in rows)


def test_a_generator_on_a_gpus_tiles() -> None:
    """Groups that end inside a tile of 128 places, more cells than a program takes, a slice that begins late."""
    decoder = decoder_of("cityscapes_hyperseg_s")
    rows, generators = rows_of(decoder)
    signal = torch.randn(1, 1280, 5, 13)
    launch, cells = generate_launch(generators, rows, pixels_of(signal, 1280))
    tiles, parts = launch.grid
    launch()
    want = weights_in_rows([w for g in generators for w in g(signal)], rows)
    assert (tiles, parts) == (want.shape[1] // 128, 2)
    torch.testing.assert_close(cells, want, atol=2e-5, rtol=2e-5)


@pytest.mark.parametrize(("variant", "index", "dtype"), LEVELS)
def test_level(variant: str, index: int, dtype: torch.dtype) -> None:
    """On a grid of 1 x 3 cells, most of whose pixels lie near a border."""
    decoder = decoder_of(variant)
    grid, rows = (1, 3), rows_of(decoder)[0]
    row, level = rows[index], decoder.levels[index]
    assert isinstance(level, Level)
    height, width = grid[0] << index, grid[1] << index
    skip = torch.randn(1, row.skip_channels, height, width).to(dtype)
    before = row.shape.inputs - 2 - row.skip_channels
    previous = torch.randn(1, before, height // 2, width // 2).relu().to(dtype) if index else None
    weights = (torch.randn(1, row.shape.weights, *grid) / 4).to(dtype)
    parts = [coordinates(skip.float()), skip.float()]
    if previous is not None:
        parts.append(resize(previous.float(), (height, width)))
    want = level(torch.cat(parts, 1), weights.float())

    others = [torch.zeros(1, r.shape.weights, *grid) for r in rows]
    others[index] = weights.float()
    cells = weights_in_rows(others, rows).to(dtype)
    shifts = [norm.shift for norm in level.norms]
    given = skip[0].contiguous() if row.image else pixels_of(skip, row.skip)
    below = None if previous is None else pixels_of(previous, row.previous)
    planes = row.shape.outputs if index == len(decoder.levels) - 1 else 0
    if row.shape.kind == "conv":
        launch, out = conv_launch(row, cells, grid, given, below, shifts[0])
        launches = [launch]
    else:
        assert below is not None
        launches, out = block_launches(row, cells, grid, given, below, shifts, planes, coarse=index == 5)
    for launch in launches:
        launch()
    if planes:
        near(out.view(1, planes, height, width), want)
        return
    near(map_of(out, row.shape.outputs, height), want)
    assert (out[:, row.shape.outputs :] == 0).all()


def test_a_level_with_a_residual_sum_is_refused() -> None:
    row = LevelRow(LevelShape("block", 24, 24), 6, False, 0)
    with pytest.raises(UserError, match="no kernel for a level of 24 inputs and as many outputs"):
        block_launches(row, torch.empty(1, 8192), (1, 1), torch.empty(64, 16), torch.empty(16, 16), [], 0)


def test_a_decoder_that_ends_in_1x1_patches_is_refused() -> None:
    first = Decoder(decoder_of("cityscapes_hyperseg_m").shapes[:1], [])
    with pytest.raises(UserError, match="no kernel for a last level of 1x1 patches"):
        DecoderPlan(first, [torch.empty(6, 80)], torch.empty(3, 64, 96), torch.empty(6, 32), (2, 3))


@pytest.mark.parametrize(("planes", "size", "dtype"), [(19, (6, 10), torch.float16), (5, (13, 21), torch.float32)])
def test_upsampling_to_logits_and_classes(planes: int, size: tuple[int, int], dtype: torch.dtype) -> None:
    logits = torch.randn(1, planes, *size).to(dtype)
    want = resize(logits.float(), (2 * size[0], 2 * size[1]))
    flat = logits[0].flatten(1).contiguous()
    launch, out = upsample_launch(flat, size)
    launch()
    near(out[None], want)
    launch, classes = classify_launch(flat, size, 2)
    launch()
    assert torch.equal(classes[None], class_map(want))
    launch, classes = classify_launch(flat, size, 1)
    launch()
    assert torch.equal(classes[None], class_map(logits.float()))


def test_the_first_of_several_largest_logits_is_the_class() -> None:
    flat = torch.tensor([0.0, 2.0, 2.0, 1.0])[:, None].repeat(1, 40).contiguous()
    launch, classes = classify_launch(flat, (4, 10), 2)
    launch()
    assert (classes == 1).all()
