"""The benchmark of one variant: its parts in order, the goals, and the record."""

import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

import torch

from hyperseg.arithmetic import fix_arithmetic, switches
from hyperseg.bench import agreement, inference, loading, training
from hyperseg.bench.goals import goals
from hyperseg.bench.networks import ours
from hyperseg.bench.setting import PartName, Setting
from hyperseg.files import sha256_file
from hyperseg.latency.authors import checkout_state
from hyperseg.latency.random_weights import SEED
from hyperseg.latency.worker import open_sources
from hyperseg.models import count_gmacs
from hyperseg.records.bench import BenchNumbers
from hyperseg.records.network import network_ref
from hyperseg.records.provenance import machine, provenance
from hyperseg.records.schema import Record

MEASURE: dict[PartName, Callable[[str, Setting], Any]] = {
    "inference": inference.measure,
    "training": training.measure,
    "agreement": agreement.measure,
    "loading": loading.measure,
}


def run(
    variant: str, parts: Collection[PartName], setting: Setting, campaign: str, show: Callable[[BenchNumbers], None]
) -> Record:
    """Measure the parts; `show` gets each part when it is done, and the goals last.

    The caller holds the device's lock and has set torch's threads.
    """
    open_sources(setting.device, 0)  # other processes on the GPU are told apart by their being there before this one
    fix_arithmetic(tf32=False)
    started, began = datetime.now(UTC), time.perf_counter()
    commit, dirty = checkout_state(setting.authors) if setting.authors else (None, None)
    empty = BenchNumbers(
        device=setting.device,
        device_name=torch.cuda.get_device_name() if setting.device == "cuda" else machine().cpu,
        clock=setting.clock,
        authors_commit=commit,
        authors_dirty=dirty,
        switches=switches() | {"keep_memory": setting.keep_memory},
    )
    found: dict[str, Any] = {}
    for part, measure in MEASURE.items():
        if part in parts:
            setting.say(f"{variant}: measuring {part}")
            found[part] = measure(variant, setting)
            show(empty.model_copy(update={part: found[part]}))
    numbers = empty.model_copy(update=found)
    numbers = numbers.model_copy(update={"goals": goals(numbers)})
    show(empty.model_copy(update={"goals": numbers.goals}))
    network = ours(variant, setting.weights if set(parts) == {"agreement"} else None)
    weights = sha256_file(setting.weights) if "agreement" in found and setting.weights else None
    return Record(
        campaign=campaign,
        network=network_ref(network, weights_sha256=weights, gmacs=count_gmacs(network, network.variant.eval_hw)),
        protocol=None,
        dataset=None,
        seed=SEED,
        config=_config(parts, setting),
        provenance=provenance(threads=torch.get_num_threads()),
        started_at=started,
        duration_s=round(time.perf_counter() - began, 3),
        numbers=numbers,
    )


def _config(parts: Collection[PartName], setting: Setting) -> dict[str, Any]:
    return {
        "parts": sorted(parts),
        "engines": list(setting.engines),
        "rounds": setting.rounds,
        "clock": setting.clock,
        "keep_memory": setting.keep_memory,
        "train_batch": setting.train_batch,
        "train_size": setting.train_size,
        "agreement_images": setting.images.name if setting.images else None,
        "agreement_limit": setting.limit,
    }
