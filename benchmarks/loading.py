"""Decode and augment for camvid_hyperseg_s at 960x720: this package beside an equivalent plain Pillow pipeline.

    python benchmarks/loading.py [--camvid DIR] [--samples N]

One process, one thread. Each round times the pipelines on the same images with the same random choices, one after the
other, and the order alternates; the ratio is that of the medians, of wall time and (for a busy machine) of CPU time.
The plain pipeline is what a segmentation training usually does, with public tools alone: decode the PNGs, resize the
whole image and label, pad, crop, flip, torchvision's to_tensor and normalize. Ours is timed twice: decoding every time,
and with the cache of decoded pixels that a training uses (filled before the clock starts, as it is after the first pass
over the images).

The frames are 960x720 PNGs: with --camvid, 2x2 mosaics of the folder's 480x360 frames, so that they compress like real
frames of that size; without it, generated noise over gradients.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import functional as tv

from hyperseg.data.loading import TrainingSamples
from hyperseg.data.prepared import ClassInfo, DatasetInfo, Sample, open_dataset, write_info, write_manifest
from hyperseg.data.transforms import Augmentation, Draw, draw, normalize
from hyperseg.models.imagenet import IMAGENET_MEAN, IMAGENET_STD
from hyperseg.training.recipe import load_recipe

HW = (720, 960)
FRAMES = 24


def frames(camvid: Path | None) -> list[tuple[np.ndarray, np.ndarray]]:
    """Images (720, 960, 3) and labels (720, 960)."""
    rng = np.random.default_rng(0)
    pairs = []
    for _ in range(FRAMES):
        if camvid:
            names = rng.choice(sorted(path.name for path in (camvid / "train").glob("*.png")), 4)
            images = [np.asarray(Image.open(camvid / "train" / n).convert("RGB")) for n in names]
            labels = [np.asarray(Image.open(camvid / "trainannot" / n)) for n in names]
            pairs.append((np.vstack([np.hstack(images[:2]), np.hstack(images[2:])]),
                          np.vstack([np.hstack(labels[:2]), np.hstack(labels[2:])])))  # fmt: skip
        else:
            gradient = np.add.outer(np.linspace(0, 120, HW[0]), np.linspace(0, 100, HW[1]))[..., None]
            image = (gradient + rng.normal(0, 4, (*HW, 3))).clip(0, 255).astype(np.uint8)
            label = np.kron(rng.integers(0, 12, (9, 12)), np.ones((80, 80))).astype(np.uint8)
            pairs.append((image, label))
    return pairs


def plain(sample: Sample, choices: Draw, crop_hw: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Whole-image resize, pad, crop, flip, to_tensor, normalize."""
    assert sample.label is not None
    image, label = Image.open(sample.image).convert("RGB"), Image.open(sample.label)
    if choices.scaled_hw != HW:
        image = image.resize(choices.scaled_hw[::-1], Image.Resampling.BICUBIC)
        label = label.resize(choices.scaled_hw[::-1], Image.Resampling.NEAREST)
    down, across = max(crop_hw[0] - choices.scaled_hw[0], 0), max(crop_hw[1] - choices.scaled_hw[1], 0)
    if down or across:
        image, label = tv.pad(image, [across, down], 0), tv.pad(label, [across, down], 255)
    top, left = choices.corner_yx[0] + down, choices.corner_yx[1] + across
    image, label = tv.crop(image, top, left, *crop_hw), tv.crop(label, top, left, *crop_hw)
    if choices.flip:
        image, label = tv.hflip(image), tv.hflip(label)
    pixels = tv.normalize(tv.to_tensor(image), list(IMAGENET_MEAN), list(IMAGENET_STD))
    return pixels, torch.from_numpy(np.array(label).astype("int64"))


def ours(samples: TrainingSamples, index: int) -> tuple[torch.Tensor, torch.Tensor]:
    image, label = samples[0, index]
    return normalize(image[None])[0], label.long()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--camvid", type=Path, help="folder with train/ and trainannot/ (the SegNet tutorial's copy)")
    parser.add_argument("--samples", type=int, default=200)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    recipe = load_recipe("camvid_hyperseg_s")
    assert recipe.crop_hw is not None
    augmentation = Augmentation(crop_hw=recipe.crop_hw, scale_range=recipe.scale_range)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "frames"
        for kind in ("images", "labels"):
            (root / "train" / kind).mkdir(parents=True)
        for i, (image, label) in enumerate(frames(arguments.camvid)):
            Image.fromarray(image).save(root / "train" / "images" / f"{i:02}.png")
            Image.fromarray(label).save(root / "train" / "labels" / f"{i:02}.png")
        classes = tuple(ClassInfo(name=str(i), colour=(i, i, i)) for i in range(11))
        info = DatasetInfo(id="frames", title="-", classes=classes, void=11, licence="-", citation="-", source="-")
        write_info(root, info)
        write_manifest(root)
        dataset = open_dataset(root)
        decoding = TrainingSamples(dataset, "train", augmentation, void="class", seed=0, cache=False)
        cached = TrainingSamples(dataset, "train", augmentation, void="class", seed=0, cache=True)
        for sample in cached.samples:
            cached.pixels.read(sample)  # fills the cache

        def plain_of(index: int) -> tuple[torch.Tensor, torch.Tensor]:
            rng = np.random.default_rng((0, 0, index))  # the same draws as ours
            sample = cached.samples[int(rng.integers(len(cached.samples)))]
            return plain(sample, draw(augmentation, HW, rng), augmentation.crop_hw or HW)

        pipelines = {"plain": plain_of, "decoding": lambda i: ours(decoding, i), "cached": lambda i: ours(cached, i)}
        wall: dict[str, list[float]] = {name: [] for name in pipelines}
        busy: dict[str, list[float]] = {name: [] for name in pipelines}
        for index in range(-3, arguments.samples):
            order = list(pipelines) if index % 2 else list(pipelines)[::-1]
            for name in order:
                started, busy_started = time.perf_counter(), time.process_time()
                pipelines[name](abs(index))
                if index >= 0:
                    wall[name].append(1000 * (time.perf_counter() - started))
                    busy[name].append(1000 * (time.process_time() - busy_started))
        reference = [plain_of(i) for i in range(8)]
        for name in ("decoding", "cached"):
            worst = max(float((pipelines[name](i)[0] - reference[i][0]).abs().max()) for i in range(8))
            print(f"{name}: largest difference from the plain pipeline {worst:.3f} (two grey levels are 0.035)")
    for clock, times in (("wall time", wall), ("CPU time", busy)):
        medians = {name: statistics.median(values) for name, values in times.items()}
        for name, median in medians.items():
            print(f"{clock:9}  {name:9} {median:7.2f} ms a sample, {medians['plain'] / median:.2f}x the plain pipeline")


if __name__ == "__main__":
    main()
