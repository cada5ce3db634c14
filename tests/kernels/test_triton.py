"""The Triton kernels in Triton's interpreter: in a process of its own, as it is chosen before Triton is imported.

One process for all of it, since starting one takes as long as many cases.
"""

import copy
import os
import pickle
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

if TYPE_CHECKING:
    from hyperseg.kernels.triton.accelerate import GpuNetwork

CASES = Path(__file__).parent / "triton_cases"
pytestmark = pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed")


def run_cases(*names: str, interpret: bool) -> None:
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    environment.pop("TRITON_INTERPRET", None)
    if interpret:
        environment["TRITON_INTERPRET"] = "1"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-p",
            "no:cacheprovider",
            "--durations=5",
            *(CASES / f"{name}.py" for name in names),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


def test_without_a_gpu_the_engine_says_so_and_an_accelerated_network_runs_pytorch() -> None:
    from hyperseg import create_model
    from hyperseg.errors import UserError
    from hyperseg.kernels.triton.accelerate import GpuNetwork
    from hyperseg.latency.engines import Target, engine_table, select_engines

    torch.manual_seed(0)
    network, image = create_model("camvid_hyperseg_s").eval(), torch.randn(1, 3, 64, 128)
    with pytest.raises(UserError, match="engine triton needs an NVIDIA GPU; choose another engine"):
        engine_table()["triton"].prepare(network, image, Target("cuda", "float16", 1, tf32=False))
    assert select_engines(["all"], "cpu", "float32")[1]["triton"] == "it does not run in float32 on cpu"
    with pytest.warns(UserWarning, match="needs an NVIDIA GPU.*PyTorch's own kernels run instead, more slowly"):
        got = GpuNetwork(network, "float32")(image)
    with torch.inference_mode():
        torch.testing.assert_close(got, network(image), atol=1e-5, rtol=0)


class OneBuffer:
    """In place of a captured network: as in a graph, all calls share the image's and the answer's memory."""

    def __init__(self, fused: object, size: tuple[int, int], dtype: torch.dtype) -> None:
        self.image, self.answer = torch.zeros(1, 3, *size), torch.zeros(1, 1, *size)

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        self.image.copy_(image)
        time.sleep(0.002)
        self.answer.copy_(self.image[:, :1])
        return self.answer


@pytest.fixture
def one_buffer(monkeypatch: pytest.MonkeyPatch) -> "GpuNetwork":
    from hyperseg import create_model
    from hyperseg.kernels.triton import accelerate

    monkeypatch.setattr(accelerate, "TritonNetwork", OneBuffer)
    return accelerate.GpuNetwork(create_model("camvid_hyperseg_s").eval(), "float32")


def test_calls_of_an_accelerated_network_take_turns(one_buffer: "GpuNetwork") -> None:
    images = [torch.full((1, 3, 64, 128), float(index)) for index in range(16)]
    with ThreadPoolExecutor(4) as executor:
        answers = list(executor.map(one_buffer, images))
    assert [float(answer.max()) for answer in answers] == [float(index) for index in range(16)]
    assert [float(answer.min()) for answer in answers] == [float(index) for index in range(16)]


def test_a_call_on_another_stream_waits_for_the_last_one(
    one_buffer: "GpuNetwork", monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[tuple[str, str]] = []

    class Stream(str):
        def wait_stream(self, other: str) -> None:
            waits.append((str(self), str(other)))

    for name in ("a", "a", "b", "a"):
        monkeypatch.setattr(torch.cuda, "current_stream", lambda device, name=name: Stream(name))
        one_buffer._wait(torch.device("cuda", 0))
    assert waits == [("b", "a"), ("a", "b")]


def test_an_accelerated_network_is_copied_and_moved_without_its_graphs(one_buffer: "GpuNetwork") -> None:
    image = torch.ones(1, 3, 64, 128)
    one_buffer(image)
    for copied in (copy.deepcopy(one_buffer), pickle.loads(pickle.dumps(one_buffer))):
        assert copied.sizes == {}
        assert float(copied(image).min()) == 1
    assert list(one_buffer.sizes) == [(64, 128)]
    assert one_buffer.to(torch.float64).sizes == {}


def test_what_is_no_batch_on_the_networks_gpu_is_refused_before_kernels_are_built(one_buffer: "GpuNetwork") -> None:
    from hyperseg.errors import UserError

    with pytest.raises(UserError, match="the network is on cpu, the images are on meta; move them with"):
        one_buffer(torch.ones(1, 3, 64, 128, device="meta"))
    with pytest.raises(UserError, match="the network takes normalized images"):
        one_buffer(torch.ones(0, 3, 64, 128))
    assert one_buffer.sizes == {}


def test_an_image_too_large_for_a_grid_is_refused_before_kernels_are_built() -> None:
    from hyperseg import create_model
    from hyperseg.errors import UserError
    from hyperseg.kernels.inference import fuse
    from hyperseg.kernels.triton.network import NetworkPlan

    fused = fuse(create_model("camvid_hyperseg_s").eval()).to("meta")
    largest = NetworkPlan(fused, (4096, 4032), torch.float16)
    assert max(tensor.numel() for launch in largest.launches for tensor in launch.tensors) < 2**31
    with pytest.raises(UserError, match="engine triton runs no image as large as 4096 x 4096; choose engine cudagraph"):
        NetworkPlan(fused, (4096, 4096), torch.float16)


def test_an_accelerated_network_is_not_traced(one_buffer: "GpuNetwork") -> None:
    """A trace would hold the buffer's last answer, whatever the image."""
    from hyperseg.errors import UserError

    with pytest.raises(UserError, match="an accelerated network cannot be traced or exported"):
        torch.jit.trace(one_buffer, torch.ones(1, 3, 64, 128))


def test_a_kernel_that_cannot_be_built_leaves_triton_as_it_was() -> None:
    """Else Triton would hand every later kernel of this process to workers that are gone."""
    from triton.runtime._async_compile import active_mode

    from hyperseg.kernels.triton.network import NetworkPlan

    def fail() -> None:
        raise RuntimeError("ptxas died")

    class Broken:
        def key(self) -> str:
            return "key"

        def compile(self) -> None:
            mode = active_mode.get()
            assert mode is not None
            mode.submit("key", fail, *[lambda kernel: None] * (mode.submit.__code__.co_argcount - 3))

    plan = NetworkPlan.__new__(NetworkPlan)
    plan.launches = [Broken()]  # type: ignore[list-item]
    with pytest.raises(RuntimeError, match="ptxas died"):
        plan.compile()
    assert active_mode.get() is None


@pytest.mark.slow
def test_in_the_interpreter() -> None:
    run_cases("trunk_kernels", "decoder_kernels", "training_kernels", "networks", interpret=True)


@pytest.mark.slow
def test_machine_code() -> None:
    run_cases("machine_code", interpret=False)
