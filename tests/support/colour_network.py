"""A small dataset with void, and networks whose answers are known."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from hyperseg.data.description import ClassInfo, DatasetInfo, write_info
from hyperseg.data.manifest import write_manifest
from hyperseg.data.prepared import PreparedDataset, open_dataset

COLOURS = ((250, 0, 0), (0, 250, 0), (0, 0, 250), (0, 0, 0))


class ColourNetwork(torch.nn.Module):
    """Logit c of a pixel is its likeness to COLOURS[c]; `bias` is added per class."""

    def __init__(self, outputs: int, bias: tuple[float, ...] = ()) -> None:
        super().__init__()
        self.num_classes = outputs
        self.sizes: list[tuple[int, ...]] = []
        self.register_buffer("colours", torch.tensor(COLOURS[:outputs]) / 255)
        self.register_buffer("bias", torch.tensor(bias or (0.0,) * outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.sizes.append(tuple(x.shape))
        mean, std = torch.tensor((0.485, 0.456, 0.406)), torch.tensor((0.229, 0.224, 0.225))
        pixels = x.permute(0, 2, 3, 1) * std + mean
        distance = (pixels[..., None, :] - self.colours).square().sum(-1)
        return (self.bias - distance).permute(0, 3, 1, 2)


def build(root: Path, dataset_id: str, void: int | None) -> PreparedDataset:
    """Two images of 48x64 in split test; the fourth colour is void (or 255); class "blue" is nowhere."""
    rng = np.random.default_rng(1)
    for kind in ("images", "labels"):
        (root / "test" / kind).mkdir(parents=True)
    for i in range(2):
        label = np.kron(rng.choice([0, 1, 3], (3, 4)), np.ones((16, 16))).astype(np.uint8)
        label[:16, :16], label[16:32, :16], label[32:, :16] = 0, 1, 3
        image = np.array(COLOURS)[label].astype(np.uint8)
        label = label if void == 3 else np.where(label == 3, 255, label).astype(np.uint8)
        Image.fromarray(image).save(root / "test" / "images" / f"{i}.png")
        Image.fromarray(label).save(root / "test" / "labels" / f"{i}.png")
    classes = tuple(ClassInfo(name=n, colour=c) for n, c in zip(("red", "green", "blue"), COLOURS, strict=False))
    write_info(
        root,
        DatasetInfo(id=dataset_id, title="-", classes=classes, void=void, licence="-", citation="-", source="-"),
    )
    write_manifest(root)
    return open_dataset(root)
