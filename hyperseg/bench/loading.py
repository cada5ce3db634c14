"""Decoding and augmenting a training sample at 960 x 720, beside a plain Pillow pipeline with the same random choices.

The plain pipeline is what a segmentation training usually does, with public tools alone: decode the PNGs, resize the
whole image and label, pad, crop, flip, torchvision's to_tensor and normalize. This package's loader is timed twice:
decoding every time, and with the cache of decoded pixels that a training fills in its first pass over the images. One
run is one sample, by one process on one thread.
"""

import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from hyperseg.bench.setting import Setting
from hyperseg.bench.turns import Contender, as_turns, contest
from hyperseg.data.description import ClassInfo, DatasetInfo, write_info
from hyperseg.data.loading import TrainingSamples
from hyperseg.data.manifest import write_manifest
from hyperseg.data.prepared import Sample, open_dataset
from hyperseg.data.transforms import Augmentation, Draw, draw, normalize
from hyperseg.models.imagenet import IMAGENET_MEAN, IMAGENET_STD
from hyperseg.records.bench import BenchLoading
from hyperseg.training.recipe import load_recipe

HW = (720, 960)
FRAMES = 12
COMPARED = 8  # samples whose pixels are compared with the plain pipeline's

Pipeline = Callable[[int], torch.Tensor]  # index to normalized image (3, h, w)


def measure(variant: str, setting: Setting) -> BenchLoading:
    """Times of a sample by the variant's recipe, where that crops, else by camvid_hyperseg_s's."""
    recipe = load_recipe(variant)
    if recipe.crop_hw is None:
        recipe = load_recipe("camvid_hyperseg_s")
    assert recipe.crop_hw is not None
    augmentation = Augmentation(crop_hw=recipe.crop_hw, scale_range=recipe.scale_range)
    with tempfile.TemporaryDirectory() as folder:
        pipelines = _pipelines(_frames(Path(folder) / "frames"), augmentation)
        reference = [pipelines["plain Pillow"](i) for i in range(COMPARED)]
        worst = max(
            float((pipelines[name](i) - reference[i]).abs().max())
            for name in list(pipelines)[1:]
            for i in range(COMPARED)
        )
        contenders = [Contender(name, _in_order(pipeline)) for name, pipeline in pipelines.items()]
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            turns = as_turns(contest(contenders, setting), (1, *recipe.crop_hw))
        finally:
            torch.set_num_threads(threads)
    return BenchLoading(**dict(turns), largest_difference=worst)


def _in_order(pipeline: Pipeline) -> Callable[[], object]:
    """One sample a run; every contender meets the same samples in the same order."""
    index = count()
    return lambda: pipeline(next(index))


def _frames(root: Path) -> Path:
    """A prepared dataset of generated frames: noise over gradients, which compresses about as photographs do."""
    rng = np.random.default_rng(0)
    for kind in ("images", "labels"):
        (root / "train" / kind).mkdir(parents=True)
    for i in range(FRAMES):
        gradient = np.add.outer(np.linspace(0, 120, HW[0]), np.linspace(0, 100, HW[1]))[..., None]
        image = (gradient + rng.normal(0, 4, (*HW, 3))).clip(0, 255).astype(np.uint8)
        label = np.kron(rng.integers(0, 12, (9, 12)), np.ones((80, 80))).astype(np.uint8)
        Image.fromarray(image).save(root / "train" / "images" / f"{i:02}.png")
        Image.fromarray(label).save(root / "train" / "labels" / f"{i:02}.png")
    classes = tuple(ClassInfo(name=str(i), colour=(i, i, i)) for i in range(11))
    write_info(
        root, DatasetInfo(id="frames", title="-", classes=classes, void=11, licence="-", citation="-", source="-")
    )
    write_manifest(root)
    return root


def _pipelines(root: Path, augmentation: Augmentation) -> dict[str, Pipeline]:
    dataset = open_dataset(root)
    decoding = TrainingSamples(dataset, "train", augmentation, void="class", seed=0, cache=False)
    cached = TrainingSamples(dataset, "train", augmentation, void="class", seed=0, cache=True)
    for sample in cached.samples:
        cached.pixels.read(sample)  # fills the cache

    def plain(index: int) -> torch.Tensor:
        rng = np.random.default_rng((0, 0, index))  # the same draws as the loader's
        sample = cached.samples[int(rng.integers(len(cached.samples)))]
        assert augmentation.crop_hw is not None
        return _plain(sample, draw(augmentation, HW, rng), augmentation.crop_hw)

    return {
        "plain Pillow": plain,
        "decoding": lambda index: normalize(decoding[0, index][0][None])[0],
        "cached": lambda index: normalize(cached[0, index][0][None])[0],
    }


def _plain(sample: Sample, choices: Draw, crop_hw: tuple[int, int]) -> torch.Tensor:
    """Whole-image resize, pad, crop, flip, to_tensor, normalize; the label the same way."""
    from torchvision.transforms import functional as tv

    assert sample.label is not None
    image, label = Image.open(sample.image).convert("RGB"), Image.open(sample.label).convert("L")
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
    torch.from_numpy(np.array(label).astype("int64"))  # as a training pipeline does; only its time counts here
    pixels: torch.Tensor = tv.normalize(tv.to_tensor(image), list(IMAGENET_MEAN), list(IMAGENET_STD))
    return pixels
