"""A whole network through engine triton at the smallest input, against the plain network; in Triton's interpreter."""

import copy
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

CASES = [(name, precision) for name in VARIANTS for precision in ("float32", "float16")]
if os.environ.get("HYPERSEG_TRITON_CASES") != "all":  # the other form of the decoder, in float16, is what follows
    CASES = [("voc_hyperseg_l", "float32")]


def network_of(variant: str) -> HyperSeg:
    torch.manual_seed(0)
    model = create_model(variant).eval()
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


def test_classes_come_from_the_last_kernel() -> None:
    network = Staged(network_of("camvid_hyperseg_s"), ["forward", "upsample", "argmax"]).eval()
    image = torch.randn(1, 3, 64, 128)
    with torch.inference_mode():
        want = network(image)
        run = engine_table()["triton"].prepare(copy.deepcopy(network), image, Target("cuda", "float16", 1, tf32=False))
        got = run(image)
    assert run.plan.launches[-1].kernel.__name__ == "classify_twice_as_large"
    assert got.dtype == torch.int64
    assert (got == want).float().mean() > 0.99


def test_an_accelerated_network_takes_batches() -> None:
    """The second image runs in the buffers of the first."""
    network = network_of("camvid_hyperseg_s")
    images = torch.randn(2, 3, 64, 128)
    accelerated = GpuNetwork(network, "float16")
    got = accelerated(images)
    with torch.inference_mode():
        want = network(images)
    assert got.dtype == torch.float32
    near_in_float16(got, want)
    assert list(accelerated.sizes) == [(64, 128)]
    with pytest.raises(UserError, match="does not fit camvid_hyperseg_s"):
        accelerated(images[..., :100])


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
