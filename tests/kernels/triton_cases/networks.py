"""A whole network through engine triton at the smallest input, against the plain network; in Triton's interpreter."""

import gc
import os

import pytest
import torch
from torch import Tensor

from hyperseg import create_model
from hyperseg.errors import UserError
from hyperseg.kernels.triton.accelerate import GpuNetwork, accelerate_on_gpu
from hyperseg.latency.engines import Target, engine_table
from hyperseg.latency.random_weights import randomize
from hyperseg.latency.stages import Staged
from hyperseg.models import HyperSeg
from hyperseg.models.variants import VARIANTS

EVERYTHING = os.environ.get("HYPERSEG_TRITON_CASES") == "all"
CASES = [(name, precision) for name in VARIANTS for precision in ("float32", "float16")]
if not EVERYTHING:  # the other form of the decoder, in float32, is what follows
    CASES = [("voc_hyperseg_l", "float16")]


def network_of(variant: str) -> HyperSeg:
    """With fewer blocks than its own backbone has; trunk_kernels.py asks their kernels one by one."""
    torch.manual_seed(0)
    model = create_model(variant, **({} if EVERYTHING else {"backbone": "tf_efficientnet_b0"})).eval()
    randomize(model)
    return model


def near_in_float16(got: Tensor, want: Tensor) -> None:
    """All logits together tell a wrong kernel from rounding; the largest of so many errors varies with every order."""
    error = (got.float() - want) / want.std()
    assert error.square().mean().sqrt() < 1e-2
    assert error.abs().max() < 5e-2


@pytest.mark.parametrize(("variant", "precision"), CASES)
def test_engine_gives_the_plain_outputs(variant: str, precision: str) -> None:
    """The callable keeps all that it runs on."""
    network = network_of(variant)
    unit = network.variant.unit
    image = torch.randn(1, 3, unit, 2 * unit if network.variant.decoder == "v1" else unit)
    with torch.inference_mode():
        want = network(image)
        target = Target("cuda", precision, 1, tf32=False)
        run = engine_table()["triton"].prepare(network, torch.randn_like(image), target)
        del network
        gc.collect()
        got = run(image)
    launches = len(run.plan.launches)
    assert launches <= 150
    assert got.dtype == getattr(torch, precision)
    assert want.std() > 0.3
    if precision == "float32":
        torch.testing.assert_close(got, want, atol=1e-4, rtol=0)
    else:
        near_in_float16(got, want)
        assert (got.argmax(1) == want.argmax(1)).float().mean() > 0.99


def test_an_accelerated_network_takes_batches() -> None:
    """The second image runs in the buffers of the first; PyTorch's default device decides nothing."""
    network = network_of("camvid_hyperseg_s")
    images = torch.randn(2, 3, 64, 128)
    accelerated = GpuNetwork(network, "float32")
    with torch.device("meta"):
        got = accelerated(images)
    with torch.inference_mode():
        want = network(images)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, want, atol=1e-4, rtol=0)
    assert list(accelerated.sizes) == [(64, 128)]
    with pytest.raises(UserError, match="does not fit camvid_hyperseg_s"):
        accelerated(images[..., :100])


def test_classes_come_from_the_last_kernel() -> None:
    """No logits are written then; that the kernel is right is asked in decoder_kernels.py."""
    network, image = network_of("camvid_hyperseg_s"), torch.zeros(1, 3, 64, 128)
    target = Target("cuda", "float16", 1, tf32=False)
    logits, classes = (
        engine_table()["triton"].prepare(Staged(network, stages).eval(), image, target).plan
        for stages in (["forward", "upsample"], ["forward", "upsample", "argmax"])
    )
    assert [plan.launches[-1].kernel.__name__ for plan in (logits, classes)] == ["upsample", "classify_twice_as_large"]
    assert len(logits.launches) == len(classes.launches)
    assert (logits.answer.dtype, classes.answer.dtype) == (torch.float16, torch.int64)


def test_what_the_engine_does_not_run_is_said() -> None:
    network, engine = network_of("camvid_hyperseg_s"), engine_table()["triton"]
    target = Target("cuda", "float16", 1, tf32=False)
    with pytest.raises(UserError, match="runs this package's networks alone"):
        engine.prepare(torch.nn.Conv2d(3, 4, 1), torch.zeros(1, 3, 64, 128), target)
    with pytest.raises(UserError, match="runs one image at a time, not 2; choose engine cudagraph"):
        engine.prepare(network, torch.zeros(2, 3, 64, 128), target)
    run = engine.prepare(network, torch.zeros(1, 3, 64, 128), target)
    with pytest.raises(UserError, match=r"prepared for images \(1, 3, 64, 128\) on cpu, not for \(1, 3, 128, 128\)"):
        run(torch.zeros(1, 3, 128, 128))
    with pytest.raises(UserError, match="precision bfloat16 is not for a GPU here; choose float32 or float16"):
        accelerate_on_gpu(network, "bfloat16")
    with pytest.raises(UserError, match="need the network on an NVIDIA GPU"):
        accelerate_on_gpu(network)
