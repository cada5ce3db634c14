"""The trunk in C++ gives the fused trunk's maps: every block of every variant, both precisions."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn

from hyperseg import accelerate, create_model, export_checkpoint
from hyperseg.errors import UserError
from hyperseg.kernels.inference import Trunk, fuse
from hyperseg.kernels.native.build import compiler
from hyperseg.kernels.native.layers import Map, NativePointwise
from hyperseg.kernels.native.libraries import trunk_library
from hyperseg.kernels.native.trunk import NativeTrunk
from hyperseg.latency.batch_norm import prepare_batch_norm
from hyperseg.latency.random_weights import randomize
from hyperseg.models import HyperSeg
from hyperseg.models.variants import VARIANTS

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C++ compiler is installed")


def lively(variant: str, **options: object) -> HyperSeg:
    """A network in eval mode whose norms and dynamic weights all matter."""
    torch.manual_seed(0)
    model: HyperSeg = create_model(variant, **options).eval()  # type: ignore[arg-type]
    randomize(model)
    return model


def fused_trunk(variant: str, **options: object) -> Trunk:
    trunk = fuse(lively(variant, **options)).trunk
    assert isinstance(trunk, Trunk)
    return trunk


def both(trunk: Trunk, native: NativeTrunk, image: Tensor) -> list[tuple[Tensor, Tensor]]:
    with torch.inference_mode():
        return list(zip(native(image), trunk(image), strict=True))


def need_half() -> None:
    if not trunk_library().hyperseg_trunk_has_half():
        pytest.skip("this CPU has no AMX and no AVX512-BF16")


@pytest.mark.parametrize("variant", VARIANTS)
def test_float32_equals_the_fused_trunk(variant: str) -> None:
    trunk = fused_trunk(variant)
    native = NativeTrunk(trunk, "float32")
    for size in [(2, 3, 128, 256), (1, 3, 256, 128)]:  # memory is made anew for another size
        for got, expected in both(trunk, native, torch.randn(size)):
            assert got.shape == expected.shape
            assert expected.std() > 0.05
            torch.testing.assert_close(got, expected, atol=2e-5, rtol=0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_bfloat16_is_near_the_fused_trunk(variant: str) -> None:
    need_half()
    trunk = fused_trunk(variant)
    native = NativeTrunk(trunk, "bfloat16")
    for got, expected in both(trunk, native, torch.randn(2, 3, 128, 256)):
        assert got.dtype == torch.float32
        assert (got - expected).abs().mean() < 0.02 * expected.abs().mean()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    ("backbone", "slices"), [("tf_efficientnet_lite1", "released"), ("tf_efficientnet_b0", "described")]
)
def test_other_backbones_and_the_living_context(backbone: str, slices: str, precision: str) -> None:
    """Lite backbones have ReLU6, no gates and a normalization of their own; `described` runs the whole context head."""
    if precision == "bfloat16":
        need_half()
    trunk = fused_trunk("camvid_hyperseg_s", backbone=backbone, slices=slices)
    for got, expected in both(trunk, NativeTrunk(trunk, precision), torch.randn(1, 3, 192, 128)):
        share = 0.03 if precision == "bfloat16" else 1e-5
        assert (got - expected).abs().mean() < share * expected.abs().mean()


def test_answers_do_not_depend_on_threads_or_on_earlier_calls() -> None:
    trunk = fused_trunk("voc_hyperseg_l")
    native = NativeTrunk(trunk, "float32")
    image, other = torch.randn(1, 3, 128, 128), torch.randn(1, 3, 128, 128)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        first = [x.clone() for x in native(image)]
        torch.set_num_threads(3)
        native(other)
        second = native(image)
    finally:
        torch.set_num_threads(threads)
    for a, b in zip(first, second, strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    "activation", [nn.Identity(), nn.SiLU(), nn.ReLU(), nn.ReLU6()], ids=lambda m: type(m).__name__
)
@pytest.mark.parametrize(("inputs", "outputs", "pixels"), [(7, 5, 1), (33, 16, 13), (64, 49, 97), (24, 40, 192)])
def test_a_pointwise_convolution_of_any_width(inputs: int, outputs: int, pixels: int, activation: nn.Module) -> None:
    convolution = nn.Conv2d(inputs, outputs, 1)
    x = 20 * torch.randn(1, inputs, 1, pixels)  # far into the activations' tails
    with torch.inference_mode():
        expected = activation(convolution(x))
        layer = NativePointwise(convolution, activation, half=False)
        torch.testing.assert_close(layer(Map.of(x, half=False)).view(), expected, atol=2e-5, rtol=2e-6)
    if trunk_library().hyperseg_trunk_has_half():
        layer = NativePointwise(convolution, activation, half=True)
        got = layer(Map.of(x, half=True)).view()
        assert (got - expected).abs().max() < 0.02 * (1 + expected.abs().max())


@pytest.mark.parametrize("backbone", ["tf_efficientnet_es", "efficientnet_blur_b0"])
def test_a_backbone_with_other_blocks_is_refused(backbone: str) -> None:
    trunk = fused_trunk("camvid_hyperseg_s", backbone=backbone)
    with pytest.raises(UserError, match="engine native has no kernel for"):
        NativeTrunk(trunk, "float32")


def test_images_of_another_kind_are_refused() -> None:
    native = NativeTrunk(fused_trunk("camvid_hyperseg_s"), "float32")
    for image in (torch.randn(1, 3, 128, 128).double(), torch.randn(1, 4, 128, 128)):
        with pytest.raises(UserError, match="engine native takes float32 images"):
            native(image)


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_accelerated_network_gives_the_same_logits(variant: str) -> None:
    model = lively(variant)
    image = torch.randn(2, 3, 128, 256)
    with torch.inference_mode():
        plain = model(image)
        assert plain.std() > 0.3
        torch.testing.assert_close(accelerate(model)(image), plain, atol=1e-4, rtol=0)


@pytest.mark.parametrize("backbone", ["tf_efficientnet_b1", "tf_efficientnet_lite1"])
@torch.inference_mode()
def test_a_network_without_its_batch_norms_runs(backbone: str) -> None:
    torch.manual_seed(0)
    model = create_model("camvid_hyperseg_s", backbone=backbone).eval()
    image = torch.randn(1, 3, 128, 256)
    prepare_batch_norm(model, "deleted", image)
    plain, native = fuse(model).trunk(image), accelerate(model).trunk(image)
    assert all(float((a - b).abs().max()) < 1e-4 * float(a.abs().max()) for a, b in zip(plain, native, strict=True))


def test_a_negated_view_is_read_as_what_it_holds() -> None:
    """PyTorch keeps the sign of such a view apart from its memory."""
    fast = accelerate(lively("camvid_hyperseg_s"))
    image = torch.randn(1, 3, 128, 64)
    assert torch.equal(fast(torch._neg_view(-image)), fast(image))
    assert not torch.equal(fast(-image), fast(image))


def test_a_broken_image_does_not_look_whole() -> None:
    """A NaN in the image reaches every logit through the gates, as it does in PyTorch."""
    torch.manual_seed(0)
    fused = accelerate(create_model("camvid_hyperseg_s").eval())
    image = torch.randn(1, 3, 128, 192)
    image[0, 1, 40, 50] = torch.nan
    assert fused(image).isnan().all()


def test_loading_the_kernels_leaves_denormal_numbers_on() -> None:
    trunk_library()
    assert (torch.tensor([1e-40]) * 1).item() > 0


def test_answers_of_an_accelerated_network_are_the_callers_and_threads_take_turns() -> None:
    model = lively("camvid_hyperseg_s")
    images = [torch.randn(1, 3, 128, 128 + 64 * index) for index in range(3)]
    with torch.inference_mode():
        expected = [model(image) for image in images]
    fast = pickle.loads(pickle.dumps(accelerate(model)))

    def answer(image: torch.Tensor) -> torch.Tensor:
        return fast(image)

    alone = [answer(image) for image in images]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(answer, images))
    for got in (alone, together):
        torch.testing.assert_close(got, expected, atol=1e-4, rtol=0)
    assert not alone[0].requires_grad


@pytest.mark.parametrize("what", [None, torch.nn.Linear(2, 2)])
def test_what_is_no_network_of_ours_is_not_accelerated(what: object) -> None:
    with pytest.raises(UserError, match=r"only a network of hyperseg\.create_model can be accelerated"):
        accelerate(what)  # type: ignore[arg-type]


@pytest.mark.parametrize("precision", ["float16", "fp32"])
def test_a_precision_without_kernels_is_refused(precision: str) -> None:
    with pytest.raises(UserError, match=f"precision {precision} is not for a CPU here; choose float32 or bfloat16"):
        accelerate(create_model("camvid_hyperseg_s"), precision)


def test_kernels_lie_on_the_cpu_whatever_pytorchs_default_device_is() -> None:
    model = lively("camvid_hyperseg_s")
    image = torch.randn(1, 3, 128, 64)
    with torch.device("meta"):
        fast = accelerate(model)
    assert torch.equal(fast(image), accelerate(model)(image))
    with pytest.raises(UserError, match="no kernel runs on meta, where the network is; move it to a CPU or"):
        accelerate(model.to("meta"))


def test_an_accelerated_network_cannot_be_traced_or_exported() -> None:
    fast = accelerate(create_model("camvid_hyperseg_s"))
    with pytest.raises(UserError, match="cannot be traced or exported"):
        torch.jit.trace(fast, torch.randn(1, 3, 128, 128))
    with pytest.raises(UserError, match="cannot be traced or exported"):
        torch.export.export(fast, (torch.randn(1, 3, 128, 128),))
    with pytest.raises(UserError, match="can be exported, not a NativeNetwork"):
        export_checkpoint(fast)  # type: ignore[arg-type]
