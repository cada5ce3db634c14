"""Peak memory on a GPU, from recorded answers of torch's allocator."""

import pytest
import torch
from torch import nn

from hyperseg.latency.peak_memory import CUDA_METHOD, PeakMemory


def test_what_a_captured_graph_replays_in_is_memory_of_the_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """The allocator counts it as free, as the tensors of the capture are gone."""
    segments = [
        {"segment_pool_id": (0, 0), "total_size": 900, "allocated_size": 100},  # cached, for anyone
        {"segment_pool_id": (0, 1), "total_size": 50, "allocated_size": 20},  # the answer is in it
        {"segment_pool_id": (0, 1), "total_size": 30, "allocated_size": 0},
    ]
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: None)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 120)
    monkeypatch.setattr(torch.cuda, "memory_snapshot", lambda: segments)
    memory = PeakMemory(nn.Linear(1, 1), torch.device("cuda", 0))
    memory.reset()
    assert memory.read() == 180
    assert memory.method == CUDA_METHOD
