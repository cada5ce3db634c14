"""Networks of other libraries beside ours and the authors', in one run at the variant's native input, batch 1.

All carry random weights: times, and nothing about accuracy. Batch norms are folded where a convolution feeds them.
"""

import torch
from torch import nn

from hyperseg.bench.contest import as_rows, contest
from hyperseg.bench.networks import fast_engine, native_input, ours, prepared, theirs, timed, usable_engines
from hyperseg.bench.setting import SEED, Setting
from hyperseg.latency.batch_norm import prepare_batch_norm
from hyperseg.latency.engines import Engine
from hyperseg.latency.peers import get_peer, select_peers
from hyperseg.latency.protocol import Precision
from hyperseg.latency.ratios import Contender
from hyperseg.records.bench import BenchTurns

# What peers run on where nobody names engines: the plain one, and the best that takes any network.
ANY_NETWORK = {"cpu": ("eager", "openvino"), "cuda": ("eager", "cudagraph")}


def measure(variant: str, setting: Setting) -> BenchTurns:
    """Times in float32, and ratios to the authors' network."""
    network = ours(variant)
    image = native_input(network, setting.device)
    contenders = [Contender("authors", timed(theirs(setting.authors, network).to(setting.device), image))]
    named = setting.engines or ANY_NETWORK[setting.device]
    general = [e for e in usable_engines(setting) if e.name in named and not e.ours_alone]
    chosen, left_out = select_peers(["all"])
    for peer, reason in left_out.items():
        setting.say(f"peer {peer} is left out: {reason}")
    for peer in chosen:
        torch.manual_seed(SEED)
        contenders += _contenders(peer, get_peer(peer).build(network.num_classes).eval(), general, image, setting)
    fast = fast_engine(setting)
    own = general if fast in general else [*general, fast]
    contenders[1:1] = _contenders(variant, network, own, image, setting)
    with torch.inference_mode():
        timings, load = contest(contenders, setting)
    height, width = image.shape[-2:]
    return BenchTurns(
        batch=1, input_height=height, input_width=width, timings=as_rows(timings, {}), others_load_percent=load
    )


def _contenders(
    title: str, network: nn.Module, engines: list[Engine], image: torch.Tensor, setting: Setting
) -> list[Contender]:
    network = network.to(setting.device)
    modes: list[tuple[Engine, Precision]] = [
        (engine, "float32") for engine in engines if engine.runs(setting.device, "float32")
    ]
    with torch.inference_mode():
        prepare_batch_norm(network, "folded", image)
        found = list(prepared(network, image, setting, modes))
    return [Contender(f"{title}, {name}", timed(run, image)) for name, run in found]
