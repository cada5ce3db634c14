"""Every engine beside the authors' eager float32: native input, batch 1, the forward pass to logits."""

import torch

from hyperseg.bench.networks import generated_input, modes_of, ours, prepared, theirs, timed, usable_engines
from hyperseg.bench.setting import Setting
from hyperseg.bench.turns import Contender, as_turns, contest
from hyperseg.kernels.operators import attach_eager
from hyperseg.latency.answers import compare, tolerance
from hyperseg.latency.engines import Run
from hyperseg.records.bench import BenchTurns


def measure(variant: str, setting: Setting) -> BenchTurns:
    """Times, ratios, and what each contender answers afterwards, on the same random weights and input."""
    network = ours(variant)
    image = generated_input(network, setting)
    with torch.inference_mode():
        runs: dict[str, Run] = {}
        if setting.authors is not None:
            runs["authors"] = theirs(setting.authors, network).to(setting.device)
        attach_eager(network)  # the reference is what engine eager runs in float32
        plain = network.to(setting.device)(image).cpu()
        runs |= dict(prepared(network, image, setting, modes_of(usable_engines(setting), setting.device)))
        found = contest([Contender(name, timed(run, image)) for name, run in runs.items()], setting)
        answers = {
            name: compare(run(image), plain, tolerance(name.rpartition("/")[2] if "/" in name else "float32", False))
            for name, run in runs.items()
        }
    return as_turns(found, (1, *image.shape[-2:]), answers)
