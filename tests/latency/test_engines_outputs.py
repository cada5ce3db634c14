"""Every engine that is installed gives the plain network's outputs, on small inputs."""

import copy
import shutil

import pytest
import torch
from torch import nn

from hyperseg import create_model
from hyperseg.errors import UserError
from hyperseg.kernels.native.build import compiler
from hyperseg.kernels.native.libraries import trunk_library
from hyperseg.latency.engines import Engine, Target, engine_table
from hyperseg.latency.random_weights import randomize
from hyperseg.latency.stages import Staged
from hyperseg.models import HyperSeg

# The whole network takes torch.compile two minutes of processor time: test_engine_lifetime asks it with a small one.
EXPORTS = {"onnxruntime", "openvino", "openvino_native"}  # seconds each
ON_CPU = [
    pytest.param(engine, precision, marks=[pytest.mark.slow] if engine.name in EXPORTS else [])
    for engine in engine_table().values()
    for device, precision in sorted(engine.modes)
    if device == "cpu" and engine.name != "compile"
]


@pytest.fixture(scope="module")
def network() -> HyperSeg:
    """A small CamVid network whose norms and dynamic weights all matter."""
    torch.manual_seed(0)
    model = create_model("camvid_hyperseg_s")
    randomize(model)
    return model.eval()


def target(precision: str) -> Target:
    return Target(device="cpu", precision=precision, threads=torch.get_num_threads(), tf32=False)


def need(engine: Engine, precision: str = "float32") -> None:
    if engine.missing():
        pytest.skip(f"engine {engine.name} is left out: {engine.missing()}")
    if engine.name in ("native", "openvino_native") and (compiler() is None or shutil.which("g++") is None):
        pytest.skip("no C++ compiler is installed")
    if (engine.name, precision) == ("native", "bfloat16") and not trunk_library().hyperseg_trunk_has_half():
        pytest.skip("this CPU has no AMX and no AVX512-BF16")


@pytest.mark.parametrize(("engine", "precision"), ON_CPU, ids=lambda part: getattr(part, "name", part))
def test_engine_gives_the_plain_outputs(engine: Engine, precision: str, network: HyperSeg) -> None:
    need(engine, precision)
    images = [torch.randn(1, 3, 128, 128), torch.randn(1, 3, 128, 128)]
    with torch.inference_mode():
        expected = [network(image) for image in images]
        run = engine.prepare(copy.deepcopy(network), images[0], target(precision))
        got = [run(image).float().clone() for image in images]  # an engine may use an answer's memory again
    assert expected[0].std() > 0.3
    for plain, other in zip(expected, got, strict=True):
        assert other.shape == plain.shape
        if precision == "float32":
            torch.testing.assert_close(other, plain, atol=1e-4, rtol=0)
        else:  # 8 bits of mantissa through 100 layers: near on the scale of the logits, not equal
            assert (other - plain).abs().mean() < 0.1 * plain.std()


@pytest.mark.parametrize("name", ["native", pytest.param("openvino_native", marks=pytest.mark.slow)])
def test_stages_around_the_network_stay_inside(name: str, network: HyperSeg) -> None:
    engine = engine_table()[name]
    need(engine)
    staged = Staged(copy.deepcopy(network), ["forward", "upsample", "argmax"]).eval()
    image = torch.randn(1, 3, 128, 192)
    with torch.inference_mode():
        expected = staged(image)
        run = engine.prepare(staged, image, target("float32"))
        classes = run(image)
    assert classes.dtype == torch.int64
    assert (classes == expected).float().mean() > 0.999


@pytest.mark.parametrize("name", ["native", "openvino_native"])
def test_an_engine_for_our_networks_says_so_of_another(name: str) -> None:
    engine = engine_table()[name]
    need(engine)
    with pytest.raises(UserError, match=f"engine {name} runs this package's networks alone"):
        engine.prepare(nn.Conv2d(3, 4, 1).eval(), torch.randn(1, 3, 8, 8), target("float32"))


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_a_whole_graph_engine_runs_any_network(name: str) -> None:
    engine = engine_table()[name]
    need(engine)
    peer = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).eval()
    image = torch.randn(2, 3, 16, 16)
    with torch.inference_mode():
        torch.testing.assert_close(
            engine.prepare(peer, image, target("float32"))(image), peer(image), atol=1e-5, rtol=0
        )
