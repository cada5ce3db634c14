"""Ablations: each takes one thing from HyperSeg-S of CamVid, and all else stays."""

import pytest
import torch
from torch import Tensor

from hyperseg import accelerate, create_model
from hyperseg.kernels.inference import fuse
from hyperseg.kernels.native.build import compiler
from hyperseg.models import HyperSeg, count_parameters
from hyperseg.models.variants import ABLATIONS

BASE = "camvid_hyperseg_s"


def network(ablation: str) -> HyperSeg:
    torch.manual_seed(0)
    return create_model(f"{BASE}_{ablation}" if ablation else BASE, backbone="tf_efficientnet_lite0").eval()


@pytest.fixture(scope="module")
def image() -> Tensor:
    return torch.randn(1, 3, 128, 256, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("ablation", ABLATIONS)
def test_an_ablation_answers_and_every_weight_that_is_read_gets_a_gradient(ablation: str, image: Tensor) -> None:
    torch.manual_seed(0)
    model = create_model(ablation, backbone="tf_efficientnet_lite0", stochastic_depth=0.0)
    logits = model(image.expand(2, -1, -1, -1))
    assert logits.shape == (2, 12, 128, 256)
    logits.square().mean().backward()
    without = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is None}
    unread = getattr(model.context, "dead_path", False) and len(model.context.down)  # type: ignore[arg-type]
    assert without == ({"context"} if unread else set())


@pytest.mark.parametrize("ablation", ABLATIONS)
def test_the_form_for_inference_and_the_kernels_give_the_same_logits(ablation: str, image: Tensor) -> None:
    model = network(ablation.removeprefix(f"{BASE}_"))
    with torch.inference_mode():
        plain = model(image)
        torch.testing.assert_close(fuse(model)(image), plain, atol=1e-4, rtol=1e-4)
        if compiler() is None or ablation.endswith("context3"):
            return
        torch.testing.assert_close(accelerate(model)(image), plain, atol=1e-4, rtol=1e-4)


def with_signal(model: HyperSeg, signal: Tensor, image: Tensor) -> Tensor:
    """The decoder's answer to a signal (1, S, 4, 8) for the image's features."""
    with torch.inference_mode():
        features, _ = model.backbone(image)
        return model.decoder([*features[::-1], image][: len(model.decoder.levels)], signal)


@pytest.mark.parametrize(("ablation", "cells"), [("patch64", 2), ("patch128", 4), ("image", None)])
def test_shared_weights_are_those_of_a_signal_that_is_constant_over_the_patch(
    ablation: str, cells: int | None, image: Tensor
) -> None:
    base, shared = network(""), network(ablation)
    shared.load_state_dict(base.state_dict())
    signal = torch.rand(1, base.context.entry[0].out_channels, 4, 8)  # type: ignore[index]
    assert not torch.allclose(with_signal(base, signal, image), with_signal(shared, signal, image))
    if cells is None:
        signal = signal.mean((2, 3), keepdim=True).expand_as(signal)
    else:
        signal = torch.nn.functional.avg_pool2d(signal, cells).repeat_interleave(cells, 2).repeat_interleave(cells, 3)
    torch.testing.assert_close(
        with_signal(base, signal, image), with_signal(shared, signal, image), atol=1e-5, rtol=1e-5
    )


def test_static_weights_are_parameters_and_need_no_context() -> None:
    model = network("static")
    names = {name for name, _ in model.named_parameters()}
    assert not any(name.startswith(("context", "backbone.conv_head")) for name in names)
    assert sum(p.numel() for p in model.decoder.generators.parameters()) == sum(s.weights for s in model.decoder.shapes)
    (weights,) = model.decoder.generators[0](model.context(torch.randn(1, 320, 4, 8)))
    assert torch.equal(weights.flatten(), model.decoder.generators[0].weight.flatten())  # type: ignore[operator,union-attr]


def test_what_an_ablation_takes_shows_in_its_size() -> None:
    size = {name: count_parameters(network(name)) for name in ("", "image", "described", "expansion1", "expansion4")}
    assert size["image"] == size[""] == size["described"]  # other slices, as many channels
    assert size["expansion1"] < size[""] < size["expansion4"]
    assert [s.inputs for s in network("no_coordinates").decoder.shapes] == [
        s.inputs - 2 for s in network("").decoder.shapes
    ]
    assert network("context1").decoder.generators[-1].shape.end == 640
    assert len(list(network("context3").context.deeper.parameters())) == 6  # type: ignore[union-attr,operator]
