"""Every engine beside the authors' eager float32: native input, batch 1, the forward pass to logits."""

import torch

from hyperseg.bench.contest import as_rows, contest
from hyperseg.bench.networks import modes_of, native_input, ours, prepared, theirs, timed, usable_engines
from hyperseg.bench.setting import Setting
from hyperseg.latency.ratios import Contender
from hyperseg.records.bench import BenchTurns


def measure(variant: str, setting: Setting) -> BenchTurns:
    """Times, ratios and largest errors of a logit, on the same random weights and input."""
    network = ours(variant)
    authors = theirs(setting.authors, network).to(setting.device)
    image = native_input(network, setting.device)
    with torch.inference_mode():
        plain = network.to(setting.device)(image)
        contenders = [Contender("authors", timed(authors, image))]
        errors = {"authors": float((authors(image) - plain).abs().max())}
        modes = modes_of(usable_engines(setting), setting.device)
        for name, run in prepared(network, image, setting, modes):
            contenders.append(Contender(name, timed(run, image)))
            errors[name] = float((run(image).float() - plain).abs().max())
        timings, load = contest(contenders, setting)
    height, width = image.shape[-2:]
    return BenchTurns(
        batch=1,
        input_height=height,
        input_width=width,
        timings=as_rows(timings, errors),
        others_load_percent=load,
    )
