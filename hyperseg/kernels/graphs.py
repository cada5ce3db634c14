"""CUDA graphs: what a function starts on a GPU, recorded once and replayed without the host."""

from collections.abc import Callable
from typing import TypeVar

import torch

T = TypeVar("T")


def run_beside(function: Callable[[], T], device: torch.device, times: int = 1) -> T:
    """Run on a stream of its own: what is captured later must have run so, for libraries to allocate and choose."""
    current, side = torch.cuda.current_stream(device), torch.cuda.Stream(device)
    side.wait_stream(current)
    with torch.cuda.stream(side):
        for _ in range(times):
            answer = function()
    current.wait_stream(side)
    return answer


def capture(function: Callable[[], T]) -> tuple[torch.cuda.CUDAGraph, T]:
    """The graph of one call, and the call's answer, which every replay writes again.

    A graph holds addresses, not tensors: whoever keeps it keeps all that the function reads.
    """
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        answer = function()
    return graph, answer
