"""The paper, as the exported formats cite it."""

from typing import Any

PAPER: dict[str, Any] = {
    "title": "HyperSeg: Patch-wise Hypernetwork for Real-time Semantic Segmentation",
    "authors": ["Yuval Nirkin", "Lior Wolf", "Tal Hassner"],
    "url": "https://arxiv.org/abs/2012.11582",
}
