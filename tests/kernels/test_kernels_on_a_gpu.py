"""What a GPU asks of a pass, shown without one: every tensor on its device, and one graph without breaks."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.func import functional_call

from hyperseg import create_model
from hyperseg.kernels import graphs
from hyperseg.kernels.cuda import use_cuda_operators
from hyperseg.kernels.inference import fuse, fuse_networks
from hyperseg.latency.batch_norm import prepare_batch_norm
from hyperseg.latency.stages import Staged
from hyperseg.models.variants import VARIANTS


def on_a_gpu(network: nn.Module, mode: FakeTensorMode, dtype: torch.dtype) -> dict[str, Tensor]:
    """Its parameters and buffers as tensors of a GPU that have a shape and a device but no numbers."""
    found = {}
    for name, tensor in (*network.named_parameters(), *network.named_buffers()):
        fake = mode.from_tensor(tensor.detach())
        with mode:
            found[name] = fake.to("cuda", dtype if tensor.is_floating_point() else tensor.dtype)
    return found


@pytest.mark.parametrize("variant", VARIANTS)
def test_inference_stays_on_the_device(variant: str) -> None:
    """In float16, so that a part in float32 is found as well."""
    network, parts = fuse_networks(Staged(create_model(variant).eval(), ["forward", "upsample", "argmax"]))
    use_cuda_operators(parts[0])
    mode = FakeTensorMode()
    state = on_a_gpu(network, mode, torch.float16)
    with mode, torch.no_grad():  # an operator on tensors of two devices, or precisions, raises
        classes = functional_call(network, state, torch.empty(1, 3, 128, 256, device="cuda", dtype=torch.float16))
    assert classes.device.type == "cuda"
    assert classes.shape == (1, 128, 256)


@pytest.mark.parametrize("variant", VARIANTS)
def test_training_stays_on_the_device(variant: str) -> None:
    network = create_model(variant).train()
    mode = FakeTensorMode()
    state = on_a_gpu(network, mode, torch.float32)
    with mode:
        logits = functional_call(network, state, torch.empty(2, 3, 256, 256, device="cuda"))
    assert logits.device.type == "cuda"


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["camvid_hyperseg_s", "voc_hyperseg_l"])
def test_the_compiler_sees_one_graph(variant: str) -> None:
    """A break would run Python between kernels in the engine `compile`, and cost `cudagraph` its fusion there."""
    network, parts = fuse_networks(Staged(create_model(variant).eval(), ["forward", "argmax"]))
    use_cuda_operators(parts[0])
    torch._dynamo.reset()
    image = torch.randn(1, 3, 128, 256)
    with torch.inference_mode():
        compiled = torch.compile(network, backend="eager", fullgraph=True)
        assert (compiled(image) == network(image)).float().mean() > 0.99  # ties aside; a break would have raised


def test_a_network_without_its_batch_norms_stays_on_the_device() -> None:
    network = create_model("camvid_hyperseg_s").eval().to("meta")
    prepare_batch_norm(network, "deleted", torch.empty(1, 3, 128, 256, device="meta"))
    fused = fuse(network)
    assert {tensor.device.type for tensor in (*fused.parameters(), *fused.buffers())} == {"meta"}


class Streams:
    """PyTorch's current device and its current stream of each of two GPUs, as ``torch.cuda`` switches them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.device, self.current = 0, {0: (0, "default"), 1: (1, "default")}
        self.captured_on: list[tuple[int, tuple[int, str]]] = []
        self.fails = False
        streams = self

        class Graph:
            def __init__(self, graph: object, stream: tuple[int, str], capture_error_mode: str) -> None:
                self.stream = stream

            def __enter__(self) -> None:
                streams.put(self.stream)
                streams.captured_on.append((streams.device, streams.current[streams.device]))

            def __exit__(self, *error: object) -> None:
                if streams.fails:  # PyTorch then leaves its stream where it is
                    raise RuntimeError("operation failed due to a previous error during capture")
                streams.put((0, "default"))

        @contextmanager
        def stream(wanted: tuple[int, str]) -> Iterator[None]:
            before, there = streams.current[streams.device], streams.current[wanted[0]]
            streams.put(wanted)
            try:
                yield
            finally:
                streams.put(there)
                streams.put(before)

        monkeypatch.setattr(graphs, "_stream", lambda device, use: (device.index, use))
        monkeypatch.setattr(torch.cuda, "CUDAGraph", object)
        monkeypatch.setattr(torch.cuda, "graph", Graph)
        monkeypatch.setattr(torch.cuda, "stream", stream)
        monkeypatch.setattr(torch.cuda, "current_stream", lambda device: streams.current[device.index])

    def put(self, stream: tuple[int, str]) -> None:
        self.device, self.current[stream[0]] = stream[0], stream


def test_each_gpu_captures_on_a_stream_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the stream of another GPU the kernels would run there, on memory that is not theirs."""
    streams = Streams(monkeypatch)
    for index in (0, 1):
        graphs.capture(lambda: None, torch.device("cuda", index))
    assert streams.captured_on == [(0, (0, "capture")), (1, (1, "capture"))]
    assert streams.device == 0


def test_the_stream_is_the_callers_again_after_a_capture_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = Streams(monkeypatch)
    streams.fails = True
    with pytest.raises(RuntimeError, match="previous error during capture"):
        graphs.capture(lambda: None, torch.device("cuda", 1))
    assert (streams.device, streams.current) == (0, {0: (0, "default"), 1: (1, "default")})


def test_what_follows_a_failure_beside_waits_for_the_kernels_started_before(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[tuple[str, str]] = []

    class Stream(str):
        def wait_stream(self, other: str) -> None:
            waits.append((str(self), str(other)))

    def function() -> None:
        raise RuntimeError("out of resource: shared memory")

    monkeypatch.setattr(graphs, "_stream", lambda device, use: Stream("side"))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Stream("current"))
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
    with pytest.raises(RuntimeError, match="out of resource"):
        graphs.run_beside(function, torch.device("cuda", 0))
    assert waits == [("side", "current"), ("current", "side")]
