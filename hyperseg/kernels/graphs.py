"""CUDA graphs: what a function starts on a GPU, recorded once and replayed without the host."""

from collections.abc import Callable
from functools import cache
from typing import Generic, TypeVar

import torch

T = TypeVar("T")


def run_beside(function: Callable[[], T], device: torch.device, times: int = 1) -> T:
    """Run on a stream of its own: what is captured later must have run so, for libraries to allocate and choose."""
    current, side = torch.cuda.current_stream(device), _side_stream(device)
    side.wait_stream(current)
    with torch.cuda.stream(side):
        for _ in range(times):
            answer = function()
    current.wait_stream(side)
    return answer


@cache
def _side_stream(device: torch.device) -> torch.cuda.Stream:
    """One for all: memory that a stream has used stays with it."""
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


def capture(function: Callable[[], T]) -> Captured[T]:
    """One call of the function as a CUDA graph; nothing has run yet."""
    graph = torch.cuda.CUDAGraph()
    # The loader's thread pins batches meanwhile, which the default mode counts as an error of the capture.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        answer = function()
    return Captured(graph, function, answer)
