"""The benchmark's networks, ours and the authors' with the same weights, and our engines on them."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import torch
from torch import Tensor, nn

from hyperseg import create_model
from hyperseg.bench.setting import Setting
from hyperseg.errors import UserError
from hyperseg.latency.authors import load_network
from hyperseg.latency.engines import Engine, Run, Target, engine_table, get_engine
from hyperseg.latency.protocol import Precision
from hyperseg.latency.random_weights import SEED, randomize
from hyperseg.models import HyperSeg, export_checkpoint


def ours(variant: str, weights: Path | None = None) -> HyperSeg:
    """Our network in eval mode on the CPU, without stochastic depth and dropout; random weights from the seed."""
    torch.manual_seed(SEED)
    network = create_model(variant, weights=weights, stochastic_depth=0.0, dropout=0.0).eval()
    if weights is None:
        randomize(network)
    return network


def theirs(checkout: Path, network: HyperSeg) -> nn.Module:
    """The authors' network in eval mode on the CPU, with the weights of this package's network."""
    authors = load_network(checkout, network.variant.id)
    authors.load_state_dict(export_checkpoint(network)["state_dict"], strict=False)
    return authors.eval()


def generated_input(network: HyperSeg, setting: Setting) -> Tensor:
    """One generated image (1, 3, H, W) of the setting's size, else of the variant's evaluation size."""
    generator = torch.Generator().manual_seed(SEED)
    return torch.randn(1, 3, *(setting.size or network.variant.eval_hw), generator=generator).to(setting.device)


def usable_engines(setting: Setting) -> list[Engine]:
    """The engines asked for, or all, that can run on the device; `setting.say` gets those that are not installed.

    One asked for by a name that is unknown, not installed or not for this device raises :class:`UserError`.
    """
    table = engine_table()
    for name in setting.engines:
        precisions = [p for d, p in table[name].modes if d == setting.device] if name in table else []
        get_engine(name, setting.device, sorted(precisions)[-1] if precisions else "float32")
    found = []
    for name, engine in table.items():
        if (setting.engines and name not in setting.engines) or not any(d == setting.device for d, _ in engine.modes):
            continue
        if missing := engine.missing():
            setting.say(f"engine {name} is left out: {missing}")
            continue
        found.append(engine)
    return found


def modes_of(engines: list[Engine], device: str) -> list[tuple[Engine, Precision]]:
    """Every (engine, precision) that the engines offer on the device."""
    return [(engine, p) for engine in engines for p in get_args(Precision) if engine.runs(device, p)]


def prepared(
    network: nn.Module, image: Tensor, setting: Setting, modes: list[tuple[Engine, Precision]]
) -> Iterator[tuple[str, Run]]:
    """Each engine on a copy of `network`, prepared for the image's shape, named engine/precision.

    One that finds something missing as it prepares (a compiler, say) is left out, and said so.
    """
    for engine, precision in modes:
        target = Target(device=setting.device, precision=precision, threads=torch.get_num_threads(), tf32=False)
        try:
            run = engine.prepare(copy.deepcopy(network), image, target)
        except UserError as error:
            setting.say(f"engine {engine.name} in {precision} is left out: {error}")
            continue
        yield f"{engine.name}/{precision}", run


def timed(run: Run, image: Tensor) -> Callable[[], object]:
    """One run on the image that returns when it is done."""

    def once() -> None:
        with torch.inference_mode():
            run(image)
        if image.is_cuda:
            torch.cuda.synchronize()

    return once
