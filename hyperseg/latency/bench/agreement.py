"""How often each engine's classes equal the plain float32 network's, on real images with trained weights."""

from pathlib import Path

import torch

from hyperseg.latency.agreement import agreement, read_images
from hyperseg.latency.bench.networks import modes_of, ours, prepared, usable_engines
from hyperseg.latency.bench.setting import Setting
from hyperseg.records.bench import BenchAgreement


def measure(weights: Path, folder: Path, variant: str, setting: Setting) -> tuple[int, list[BenchAgreement]]:
    """Images looked at, and the share of equal pixels by engine."""
    network = ours(variant, weights)
    images = [i.to(setting.device) for i in read_images(folder, network.variant.eval_hw, setting.limit)]
    modes = modes_of(usable_engines(setting), setting.device)
    with torch.inference_mode():
        network = network.to(setting.device)
        return len(images), [
            BenchAgreement(name=name, percent=agreement(network, run, images))
            for name, run in prepared(network, images[0], setting, modes)
        ]
