"""How often each engine's classes equal the plain float32 network's, on real images with trained weights."""

import torch

from hyperseg.bench.networks import modes_of, ours, prepared, usable_engines
from hyperseg.bench.setting import Setting
from hyperseg.latency.agreement import agreement, read_images
from hyperseg.records.bench import BenchAgreement, BenchShare


def measure(variant: str, setting: Setting) -> BenchAgreement:
    """The share of equal pixels by engine, on the setting's images with its weights, which are the variant's."""
    assert setting.weights is not None
    assert setting.images is not None
    network = ours(variant, setting.weights)
    images = [i.to(setting.device) for i in read_images(setting.images, network.variant.eval_hw, setting.limit)]
    modes = modes_of(usable_engines(setting), setting.device)
    with torch.inference_mode():
        network = network.to(setting.device)
        shares = [
            BenchShare(name=name, percent=agreement(network, run, images))
            for name, run in prepared(network, images[0], setting, modes)
        ]
    return BenchAgreement(images=len(images), shares=shares)
