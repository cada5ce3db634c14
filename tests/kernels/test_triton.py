"""The Triton kernels in Triton's interpreter: in a process of its own, as it is chosen before Triton is imported."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

CASES = Path(__file__).parent / "triton_cases"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed"),
]


def run_cases(name: str, interpret: bool) -> None:
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    environment.pop("TRITON_INTERPRET", None)
    if interpret:
        environment["TRITON_INTERPRET"] = "1"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", "--durations=5", CASES / f"{name}.py"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


@pytest.mark.parametrize("name", ["trunk_kernels", "decoder_kernels", "networks"])
def test_in_the_interpreter(name: str) -> None:
    run_cases(name, interpret=True)
