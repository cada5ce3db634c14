"""CUDA graphs: what a function starts on a GPU, recorded once and replayed without the host."""

from collections.abc import Callable
from functools import cache
from typing import Generic, TypeVar

import torch

T = TypeVar("T")


def run_beside(function: Callable[[], T], device: torch.device, times: int = 1) -> T:
    """Run on a stream of its own: what is captured later must have run so, for libraries to allocate and choose."""
    current, side = torch.cuda.current_stream(device), _stream(device, "warm-up")
    side.wait_stream(current)
    try:
        with torch.cuda.stream(side):
            for _ in range(times):
                answer = function()
    finally:  # after an error, too: what its kernels still write is freed next, for the current stream to take
        current.wait_stream(side)
    return answer


@cache
def _stream(device: torch.device, use: str) -> torch.cuda.Stream:
    """One for all of a use: memory that a stream has used stays with it."""
    return torch.cuda.Stream(device)


class Captured(Generic[T]):
    """A captured call of ``function``: each call replays it, which writes ``answer`` again, and gives that.

    A graph holds addresses, not tensors. The function, and with it all that it reads and writes, is kept here, or its
    memory would be given to others while the graph still uses it.
    """

    def __init__(self, graph: torch.cuda.CUDAGraph, function: Callable[[], T], answer: T) -> None:
        self.graph, self.function, self.answer = graph, function, answer

    def __call__(self) -> T:
        self.graph.replay()
        return self.answer


def capture(function: Callable[[], T], device: torch.device) -> Captured[T]:
    """One call of the function, whose kernels run on `device`, as a CUDA graph; nothing has run yet.

    PyTorch's own stream for captures is of the GPU that came first, so that another GPU's kernels would run on that
    one; and it stays the current stream where a capture fails: here the one before is current again.
    """
    graph = torch.cuda.CUDAGraph()
    stream = _stream(device, "capture")
    # The loader's thread pins batches meanwhile, which the default mode counts as an error of the capture.
    recording = torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local")
    with torch.cuda.stream(torch.cuda.current_stream(device)), recording:
        answer = function()
    return Captured(graph, function, answer)
