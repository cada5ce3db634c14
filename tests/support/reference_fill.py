"""The deterministic weights and images behind the fixtures in ``reference/``, and how to read those.

``<variant>.npz``, ``checkpoints.json`` and ``training.json`` are outputs of the published implementation as handed to
this project; ``more.json`` holds further cases run on it the same way: other sizes, batches, a pyramid, another class
count, and a training step in float64, where rounding plays no part. Every tensor is a function of its key and shape.
"""

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

REFERENCE = Path(__file__).parents[1] / "models" / "reference"
CHECKPOINTS: dict[str, Any] = json.loads((REFERENCE / "checkpoints.json").read_text())
TRAINING: dict[str, Any] = json.loads((REFERENCE / "training.json").read_text())
MORE: dict[str, Any] = json.loads((REFERENCE / "more.json").read_text())


def tensor(key: str, shape: tuple[int, ...]) -> torch.Tensor:
    """One checkpoint tensor, float32 (int64 zeros for batch counters)."""
    rng = np.random.default_rng(zlib.crc32(key.encode()))
    leaf = key.rsplit(".", 1)[-1]
    if leaf == "num_batches_tracked":
        return torch.zeros(shape, dtype=torch.int64)
    if leaf == "running_var":
        values = rng.uniform(0.5, 1.5, shape)
    elif leaf in ("running_mean", "bias"):
        values = 0.1 * rng.standard_normal(shape)
    elif len(shape) == 1:
        values = rng.uniform(0.5, 1.5, shape)
    else:
        values = rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
    return torch.from_numpy(values.astype(np.float32))


def filled(shapes: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Tensors for released keys and shapes, without the cached coordinate grids."""
    return {key: tensor(key, tuple(shape)) for key, shape in shapes.items() if ".coord" not in key}


def state_dict(variant: str) -> dict[str, torch.Tensor]:
    """All tensors of one variant's released-format checkpoint."""
    return filled(CHECKPOINTS[variant]["tensors"])


def image(height: int, width: int, batch: int = 1, seed: int = 0) -> torch.Tensor:
    """A normalized input batch, float32 of shape (batch, 3, height, width)."""
    values = np.random.default_rng(seed).standard_normal((batch, 3, height, width)).astype(np.float32)
    return torch.from_numpy(values)


def target(num_classes: int, height: int, width: int, batch: int = 2, seed: int = 5) -> torch.Tensor:
    """Labels in blocks of 8 x 8 pixels with an ignored (255) corner, int64 of shape (batch, height, width)."""
    labels = np.random.default_rng(seed).integers(0, num_classes, (batch, height // 8, width // 8))
    labels = labels.repeat(8, 1).repeat(8, 2)
    labels[:, :8, :16] = 255
    return torch.from_numpy(labels)
