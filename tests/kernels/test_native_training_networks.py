"""Whole networks that train on this package's kernels on a CPU."""

import copy
from statistics import median

import pytest
import torch
from close_tensors import close
from torch import Tensor

from hyperseg import create_model
from hyperseg.kernels.native import build, training_norm
from hyperseg.kernels.native.build import compiler
from hyperseg.kernels.native.training import LARGE_BATCH, attach_training
from hyperseg.models import HyperSeg

native = pytest.mark.skipif(compiler() is None, reason="needs a C++ compiler")


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def gradients(model: HyperSeg, image: Tensor) -> list[Tensor]:
    model.zero_grad()
    features, head = model.backbone(image)
    signal = model.context(head)
    sum((f * f.detach().roll(1, 3)).mean() for f in (*features, head, signal)).backward()
    parameters = (*model.backbone.parameters(), *model.context.parameters())
    return [*features, head, signal, *(p.grad for p in parameters if p.grad is not None)]


@pytest.mark.parametrize("compiled", [pytest.param(True, marks=native), False])
def test_large_batches_train_to_float_precision(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not compiled:
        monkeypatch.setattr(build, "compiler", lambda: None)
    options = {"backbone": "tf_efficientnet_b0", "stochastic_depth": 0.0, "dropout": 0.0}
    model = create_model("camvid_hyperseg_s", **options).train()
    wide = copy.deepcopy(model).double()
    keys = list(model.state_dict())
    attach_training(model)
    assert list(model.state_dict()) == keys
    image = torch.randn(2, 3, 256, 256)
    assert image[:, 0].numel() >= LARGE_BATCH
    got, again = gradients(model, image), gradients(model, image)
    assert got[0].is_contiguous()
    assert training_norm.is_channels_last(got[5])
    assert all(torch.equal(a, b) for a, b in zip(got, again, strict=True))
    close(got, gradients(wide, image.double()), 1e-3)  # through twenty batch norms, the deepest over 128 pixels


@native
def test_large_batches_in_bfloat16_are_as_near_to_float64_as_pytorchs() -> None:
    options = {"backbone": "tf_efficientnet_b0", "stochastic_depth": 0.0, "dropout": 0.0}
    plain = create_model("camvid_hyperseg_s", **options).train()
    attached, wide = copy.deepcopy(plain), copy.deepcopy(plain).double()
    attach_training(attached)
    image = torch.randn(2, 3, 256, 256)
    exact = gradients(wide, image.double())
    with torch.autocast("cpu", torch.bfloat16):
        features, _ = attached.backbone(image)
        assert all(feature.dtype == torch.bfloat16 for feature in features)
        ours, theirs = (gradients(model, image) for model in (attached, plain))
    errors = [
        median(
            [
                float((a.detach().double() - b.detach()).norm() / b.detach().norm())
                for a, b in zip(got, exact, strict=True)
            ]
        )
        for got in (ours, theirs)
    ]
    assert 0 < errors[0] < 1.1 * errors[1]


@pytest.mark.parametrize("variant", ["camvid_hyperseg_s", "voc_hyperseg_l"])
def test_small_batches_train_with_the_bits_of_the_plain_network(variant: str) -> None:
    plain = create_model(variant, backbone="tf_efficientnet_b0", stochastic_depth=0.0, dropout=0.0).train()
    attached = copy.deepcopy(plain)
    attach_training(attached)
    image = torch.randn(2, 3, 128, 128)
    assert all(torch.equal(a, b) for a, b in zip(gradients(attached, image), gradients(plain, image), strict=True))


def test_attaching_twice_is_attaching_once() -> None:
    model = create_model("camvid_hyperseg_s", backbone="tf_efficientnet_b0")
    attach_training(model)
    kinds = [type(module) for module in model.modules()]
    attach_training(model)
    assert [type(module) for module in model.modules()] == kinds
    assert len(model.backbone._forward_hooks) == 1
