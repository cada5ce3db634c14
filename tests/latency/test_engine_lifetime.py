"""What is timed owns all that it runs on: the caller may let go of everything else."""

import contextlib
import copy
import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from hyperseg import create_model
from hyperseg.bench import training
from hyperseg.errors import UserError
from hyperseg.latency.engines import Engine, Target, engine_table
from hyperseg.latency.random_weights import randomize

# These hold the weights in memory of their own after the preparation; of them the answer is asked alone.
COPIES_WEIGHTS = {"onnxruntime", "openvino", "triton", "triton_early"}


class StandInGraph:
    """In place of ``torch.cuda.CUDAGraph`` where there is no GPU; like a graph, it holds no tensor."""

    def replay(self) -> None:
        pass


def cuda_or_stand_ins(monkeypatch: pytest.MonkeyPatch) -> str:
    """The device of CUDA engines; without a GPU, stand-ins for streams and graphs, and no compiling."""
    if torch.cuda.is_available():
        return "cuda"

    class Stream:
        def __init__(self, *arguments: Any) -> None:
            pass

        def wait_stream(self, other: Any) -> None:
            pass

    @contextlib.contextmanager
    def within(*arguments: Any, **keywords: Any) -> Iterator[None]:
        yield

    for name, stand_in in {
        "Stream": Stream, "current_stream": Stream, "stream": within, "CUDAGraph": StandInGraph, "graph": within,
    }.items():  # fmt: skip
        monkeypatch.setattr(torch.cuda, name, stand_in)
    monkeypatch.setattr(torch, "compile", lambda network, **options: lambda *inputs: network(*inputs))
    return "cpu"


class Plain(nn.Sequential):
    """What engines are asked with that take any network, and long to prepare a whole one."""

    def __init__(self) -> None:
        super().__init__(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.SiLU(), nn.Conv2d(8, 2, 1))


TAKE_LONG = {"compile", "onnxruntime", "openvino"}
SLOW = {*TAKE_LONG, "openvino_native"}


@pytest.mark.parametrize(
    "engine",
    [
        pytest.param(engine, id=engine.name, marks=[pytest.mark.slow] if engine.name in SLOW else [])
        for engine in engine_table().values()
    ],
)
def test_an_engine_owns_what_it_runs_on(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    if engine.missing():
        pytest.skip(f"engine {engine.name} is left out: {engine.missing()}")
    on_cpu = any(device == "cpu" for device, _ in engine.modes)
    device = "cpu" if on_cpu else cuda_or_stand_ins(monkeypatch)
    torch.manual_seed(0)
    if engine.name in TAKE_LONG:
        network: nn.Module = Plain()
    else:
        network = create_model("camvid_hyperseg_s")
        randomize(network)
    network = network.eval().to(device)
    image = torch.randn(1, 3, 128, 128, device=device)
    ran: list[weakref.ref[nn.Module]] = []  # every network that ran, in order
    with torch.inference_mode():
        expected = network(image).clone()

        def note(module: nn.Module, inputs: Any, output: Any) -> None:
            if type(module).__name__ in ("HyperSeg", "FusedHyperSeg", "TritonNetwork", "Plain"):
                ran.append(weakref.ref(module))

        handle = nn.modules.module.register_module_forward_hook(note)
        target = Target("cpu" if device == "cpu" else "cuda", "float32", torch.get_num_threads(), tf32=False)
        try:
            # A graph's stand-in replays nothing, so that its answer is that of the image it was prepared with.
            sample = torch.randn_like(image) if on_cpu else image
            run = engine.prepare(copy.deepcopy(network), sample, target)
            run(image)
        except UserError as error:
            pytest.skip(f"engine {engine.name} is left out: {error}")
        finally:
            handle.remove()
        del network
        gc.collect()
        if engine.name not in COPIES_WEIGHTS:
            assert ran
            assert ran[-1]() is not None, "the network that the callable runs on was freed"
        noise = [torch.full((1 << 18,), float("nan"), device=device) for _ in range(64)]  # takes freed memory again
        torch.testing.assert_close(run(image), expected, atol=1e-4, rtol=0)
        assert len(noise) == 64


def test_a_captured_training_step_owns_what_it_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    """The images and the optimizer of the benchmark's step are known to the step alone."""
    device = torch.device(cuda_or_stand_ins(monkeypatch))
    network = nn.Conv2d(3, 2, 1).to(device)
    images = torch.zeros(1, 3, 4, 4, device=device)
    step = training._step(network, lambda logits, labels: logits.sum(), images, images, True, "float32")
    kept = [weakref.ref(network), weakref.ref(images)]
    run = training._captured(step, device)
    del network, images, step
    gc.collect()
    run()
    assert all(reference() is not None for reference in kept)
    del run
    gc.collect()
    assert all(reference() is None for reference in kept)
