"""The Triton kernels in Triton's interpreter: in a process of its own, as it is chosen before Triton is imported.

One process for all of it, since starting one takes as long as many cases.
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

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


@pytest.mark.slow
def test_in_the_interpreter() -> None:
    run_cases("trunk_kernels", "decoder_kernels", "training_kernels", "networks", interpret=True)


@pytest.mark.slow
def test_machine_code() -> None:
    run_cases("machine_code", interpret=False)
