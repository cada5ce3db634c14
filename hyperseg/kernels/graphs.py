"""CUDA graphs: what a function starts on a GPU, recorded once and replayed without the host."""

from collections.abc import Callable
from functools import cache
from typing import TypeVar

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


def capture(function: Callable[[], T]) -> tuple[torch.cuda.CUDAGraph, T]:
    """The graph of one call, and the call's answer, which every replay writes again.

    A graph holds addresses, not tensors: whoever keeps it keeps all that the function reads.
    """
    graph = torch.cuda.CUDAGraph()
    # The loader's thread pins batches meanwhile, which the default mode counts as an error of the capture.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        answer = function()
    return graph, answer
