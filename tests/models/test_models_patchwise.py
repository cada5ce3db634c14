"""The patch-wise operators against the plainest reading of their definition: one patch at a time."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hyperseg.kernels import operators
from hyperseg.kernels.operators import EagerPatchwise, FoldedPatchwise, ShiftedPatchwise
from hyperseg.models import patchwise
from hyperseg.models.layout import Kind, LevelShape
from hyperseg.models.patchwise import Patchwise

GRID = (2, 3)
KINDS: list[Kind] = ["conv", "block", "shared_halo_block"]
OPERATORS = [Patchwise, FoldedPatchwise, EagerPatchwise, ShiftedPatchwise]


def case(
    kind: Kind, patch: tuple[int, int], residual: bool = False
) -> tuple[Tensor, Tensor, LevelShape, list[nn.Module]]:
    torch.manual_seed(0)
    shape = LevelShape(kind, 4, 4 if residual else 5)
    x = torch.randn(2, 4, GRID[0] * patch[0], GRID[1] * patch[1], dtype=torch.float64)
    weights = torch.randn(2, shape.weights, *GRID, dtype=torch.float64)
    channels = (shape.outputs,) if kind == "conv" else (shape.hidden, shape.hidden, shape.outputs)
    norms: list[nn.Module] = []
    for c in channels:
        norm = nn.BatchNorm2d(c).double()
        norm.running_mean, norm.running_var = torch.randn(c).double(), torch.rand(c).double() + 0.5
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
        norms.append(norm.eval())
    return x, weights, shape, norms


def plain(x: Tensor, weights: Tensor, shape: LevelShape, norms: list[nn.Module]) -> Tensor:
    """The level patch by patch, with ``F.conv2d``; eval mode."""
    batch, _, height, width = x.shape
    ph, pw = height // GRID[0], width // GRID[1]
    out = torch.zeros(batch, shape.outputs, height, width, dtype=x.dtype)
    sizes = [shape.hidden * shape.inputs, shape.hidden * 9, shape.outputs * shape.hidden]
    hidden = torch.zeros(batch, shape.hidden, height, width, dtype=x.dtype)
    for b in range(batch):
        for i in range(GRID[0]):
            for j in range(GRID[1]):
                rows, columns = slice(i * ph, (i + 1) * ph), slice(j * pw, (j + 1) * pw)
                w = weights[b, :, i, j]
                if shape.kind == "conv":
                    y = F.conv2d(x[b : b + 1, :, rows, columns], w.reshape(shape.outputs, shape.inputs, 1, 1))
                    out[b, :, rows, columns] = F.relu(norms[0](y))[0]
                    continue
                expand = w[: sizes[0]].reshape(shape.hidden, shape.inputs, 1, 1)
                if shape.kind == "block":
                    padded = F.pad(x[b : b + 1], (1, 1, 1, 1), mode="reflect")
                    y = padded[..., i * ph : (i + 1) * ph + 2, j * pw : (j + 1) * pw + 2]
                    y = F.relu6(norms[0](F.conv2d(y, expand)))
                    out[b, :, rows, columns] = finish(y, w, shape, norms, sizes)[0]
                else:
                    hidden[b, :, rows, columns] = F.relu6(norms[0](F.conv2d(x[b : b + 1, :, rows, columns], expand)))[0]
    if shape.kind == "shared_halo_block":
        padded = F.pad(hidden, (1, 1, 1, 1), mode="reflect")
        for b in range(batch):
            for i in range(GRID[0]):
                for j in range(GRID[1]):
                    y = padded[b : b + 1, :, i * ph : (i + 1) * ph + 2, j * pw : (j + 1) * pw + 2]
                    done = finish(y, weights[b, :, i, j], shape, norms, sizes)
                    out[b, :, i * ph : (i + 1) * ph, j * pw : (j + 1) * pw] = done[0]
    return out + x if shape.kind != "conv" and shape.inputs == shape.outputs else out


def finish(y: Tensor, w: Tensor, shape: LevelShape, norms: list[nn.Module], sizes: list[int]) -> Tensor:
    filters, project = w[sizes[0] : sizes[0] + sizes[1]], w[sizes[0] + sizes[1] :]
    y = F.relu6(norms[1](F.conv2d(y, filters.reshape(shape.hidden, 1, 3, 3), groups=shape.hidden)))
    return norms[2](F.conv2d(y, project.reshape(shape.outputs, shape.hidden, 1, 1)))


@pytest.mark.parametrize("patch", [(4, 4), (2, 3), (1, 1), (1, 4)])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("operator", OPERATORS)
def test_operators_equal_their_definition(
    operator: type[Patchwise], kind: Kind, patch: tuple[int, int], residual: bool
) -> None:
    x, weights, shape, norms = case(kind, patch, residual)
    with torch.no_grad():
        found = operator()(x, weights, shape, norms)
        torch.testing.assert_close(found, plain(x, weights, shape, norms), rtol=0, atol=1e-10)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("kind", ["block", "shared_halo_block"])
def test_compiled_operators_equal_their_definition(kind: Kind, training: bool) -> None:
    x, weights, shape, norms = case(kind, (4, 2))
    for norm in norms:
        norm.train(training)
    with torch.no_grad():
        expected = Patchwise()(x, weights, shape, norms)
        compiled = torch.compile(ShiftedPatchwise(), backend="eager", fullgraph=True)
        torch.testing.assert_close(compiled(x, weights, shape, norms), expected, rtol=1e-10, atol=1e-10)


def test_inference_by_parts_gives_the_same_bits() -> None:
    x, weights, shape, norms = case("block", (4, 5))
    assert x.shape[0] * GRID[0] * GRID[1] > operators.PARTS
    with torch.no_grad():
        whole = FoldedPatchwise()(x, weights, shape, norms)
        parts = EagerPatchwise()(x, weights, shape, norms)
    assert torch.equal(parts, whole)


def test_the_two_halos_differ() -> None:
    x, weights, shape, norms = case("block", (4, 4))
    own = Patchwise().block(x, weights, shape, norms)
    shared = Patchwise().shared_halo_block(x, weights, shape, norms)
    inner = torch.zeros(x.shape[2:], dtype=torch.bool)
    for i in range(GRID[0]):
        for j in range(GRID[1]):
            inner[i * 4 + 1 : i * 4 + 3, j * 4 + 1 : j * 4 + 3] = True
    torch.testing.assert_close(own[..., inner], shared[..., inner])
    assert (own - shared)[..., ~inner].abs().max() > 0.1


def test_training_statistics_count_halo_pixels_once_per_patch() -> None:
    x, weights, shape, norms = case("block", (4, 4))
    expansion = weights[:, : shape.hidden * shape.inputs]
    norm = norms[0].train()
    assert isinstance(norm, nn.BatchNorm2d)
    norm.momentum = 1.0
    Patchwise()(x, weights, shape, [norm, norms[1], norms[2]])
    padded = F.pad(x, (1, 1, 1, 1), mode="reflect")
    pixels = [
        torch.einsum("oc,chw->ohw", expansion[b, :, i, j].reshape(shape.hidden, -1),
                     padded[b, :, i * 4 : i * 4 + 6, j * 4 : j * 4 + 6]).flatten(1)
        for b in range(2) for i in range(GRID[0]) for j in range(GRID[1])
    ]  # fmt: skip
    assert norm.running_mean is not None
    torch.testing.assert_close(norm.running_mean, torch.cat(pixels, 1).mean(1))


def test_gradients_are_right() -> None:
    for kind in KINDS:
        x, weights, shape, norms = case(kind, (2, 2))
        for norm in norms:
            norm.train()
        x.requires_grad_()
        weights.requires_grad_()
        operator = Patchwise()
        assert torch.autograd.gradcheck(
            lambda a, b, f=operator, s=shape, n=norms: f(a, b, s, n), (x, weights), eps=1e-7, atol=1e-4, fast_mode=True
        )


def test_split_and_merge_are_inverse() -> None:
    x = torch.arange(2 * 3 * 8 * 9.0).reshape(2, 3, 8, 9)
    assert torch.equal(patchwise.merge(patchwise.split(x, (4, 3)), 2, (4, 3)), x)
