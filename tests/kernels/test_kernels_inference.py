"""The inference form gives the plain network's outputs: folded norms, the cut dead path, the native decoder."""

import pytest
import torch
from torch import nn

from hyperseg import create_model
from hyperseg.kernels.cuda import DenseGenerator, use_cuda_operators
from hyperseg.kernels.inference import centre_padding, fuse
from hyperseg.kernels.native import build
from hyperseg.kernels.native.build import compiler
from hyperseg.kernels.native.decoder import NativeDecoder, upsample2
from hyperseg.kernels.native.training_depthwise import depthwise
from hyperseg.latency.random_weights import randomize
from hyperseg.models import HyperSeg
from hyperseg.models.variants import VARIANTS

native = pytest.mark.skipif(compiler() is None, reason="no C++ compiler is installed")


def lively(variant: str, **options: object) -> HyperSeg:
    """A network in eval mode whose norms all do something and whose dynamic weights are of the order of 1."""
    torch.manual_seed(0)
    model = create_model(variant, **options)  # type: ignore[arg-type]
    randomize(model)
    return model.eval()


def logits_of(network: nn.Module, image: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return network(image)


@pytest.mark.parametrize("variant", VARIANTS)
def test_fused_and_native_equal_plain(variant: str) -> None:
    model = lively(variant)
    image = torch.randn(2, 3, 128, 256)
    plain = logits_of(model, image)
    assert plain.std() > 0.3  # a network that ignores its decoder's weights would prove nothing
    fused = fuse(model)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fused.modules())
    expected = logits_of(fused, image)
    torch.testing.assert_close(expected, plain, atol=1e-4, rtol=0)
    if compiler() is not None:
        decoder, fused.decoder = fused.decoder, NativeDecoder(fused)
        torch.testing.assert_close(logits_of(fused, image), plain, atol=1e-4, rtol=0)
        fused.decoder = decoder
    centre_padding(fused)
    torch.testing.assert_close(logits_of(fused, image), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_operators_for_a_gpu_give_the_same_logits(variant: str) -> None:
    """Dense generators, shifted products and the upsampling apart, in PyTorch on the CPU."""
    fused = fuse(lively(variant))
    image = torch.randn(2, 3, 128, 256)
    signal = fused.trunk(image)[-1]
    expected, generators = logits_of(fused, image), fused.decoder.generators
    use_cuda_operators(fused)
    assert expected.std() > 0.3
    torch.testing.assert_close(logits_of(fused, image), expected, atol=2e-5, rtol=0)
    signal = signal.contiguous(memory_format=torch.channels_last)
    for grouped, dense in zip(generators, fused.decoder.generators, strict=True):
        assert isinstance(dense, DenseGenerator)
        for ours, theirs in zip(dense(signal), grouped(signal), strict=True):
            torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
            rows = ours.permute(0, 2, 3, 1)  # a cell's weights side by side: levels read them without a copy
            assert rows.view(-1, rows.shape[-1]).data_ptr() == ours.data_ptr()


def test_fusing_leaves_the_model_as_it_was() -> None:
    model = lively("camvid_hyperseg_s")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    fuse(model)
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_described_slices_keep_the_nested_path() -> None:
    model = lively("camvid_hyperseg_s", slices="described")
    image = torch.randn(1, 3, 128, 128)
    torch.testing.assert_close(logits_of(fuse(model), image), logits_of(model, image), atol=1e-4, rtol=0)


def test_a_released_network_loses_its_dead_path() -> None:
    model = lively("camvid_hyperseg_s")
    fused = fuse(model)
    parameters = sum(p.numel() for p in fused.parameters())
    assert parameters < 0.75 * sum(p.numel() for p in model.parameters())


@native
@pytest.mark.parametrize(("num_classes", "backbone"), [(22, None), (5, "tf_efficientnet_lite1")])
def test_native_decoder_with_a_residual_level_and_another_backbone(num_classes: int, backbone: str | None) -> None:
    model = lively("camvid_hyperseg_s", num_classes=num_classes, backbone=backbone)
    if num_classes == 22:
        assert model.decoder.levels[-1].shape.inputs == num_classes  # type: ignore[union-attr]
    image = torch.randn(1, 3, 192, 128)
    fused = fuse(model)
    fused.decoder = NativeDecoder(fused)
    torch.testing.assert_close(logits_of(fused, image), logits_of(model, image), atol=1e-4, rtol=0)


@native
def test_native_decoder_takes_any_layout() -> None:
    model = lively("camvid_hyperseg_l")
    fused = fuse(model)
    image = torch.randn(1, 3, 128, 192)
    with torch.inference_mode():
        *skips, signal = fused.trunk(image)
        skips = [*skips, image]
        decoder = NativeDecoder(fused)
        expected = decoder(skips, signal)
        strided = [skip.contiguous(memory_format=torch.channels_last) for skip in skips]
        torch.testing.assert_close(
            decoder(strided, signal.contiguous(memory_format=torch.channels_last)), expected, atol=1e-6, rtol=0
        )


@native
def test_native_upsampling_equals_torch() -> None:
    x = torch.randn(2, 3, 7, 13)
    expected = nn.functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(upsample2(x, torch.empty(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])), expected)


@pytest.mark.parametrize("compiled", [pytest.param(True, marks=native), False])
@pytest.mark.parametrize("size", [(4, 4), (8, 8), (3, 5)])
def test_depthwise_in_training_and_its_gradients_equal_torch(
    size: tuple[int, int], compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    if not compiled:
        monkeypatch.setattr(build, "compiler", lambda: None)
    count, channels, (height, width) = 5, 7, size
    x = torch.randn(count, channels, height + 2, width + 2, requires_grad=True)
    filters = torch.randn(count, channels, 9, requires_grad=True)
    grad = torch.randn(count, channels, height, width)
    got = depthwise(x, filters)
    planes = count * channels
    expected = nn.functional.conv2d(
        x.reshape(1, planes, height + 2, width + 2), filters.reshape(planes, 1, 3, 3), groups=planes
    ).reshape_as(got)
    torch.testing.assert_close(got, expected)
    for ours, theirs in zip(
        torch.autograd.grad(got, (x, filters), grad), torch.autograd.grad(expected, (x, filters), grad), strict=True
    ):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
