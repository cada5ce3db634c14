"""The benchmark of one variant: its parts in order, the goals, and the record."""

import time
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import torch

from hyperseg.latency.authors import checkout_state
from hyperseg.latency.bench import agreement, inference, memory, peers, sampling, scaling, training
from hyperseg.latency.bench.goals import goals
from hyperseg.latency.bench.networks import ours
from hyperseg.latency.bench.setting import SEED, Part, Setting
from hyperseg.models import count_gmacs
from hyperseg.records.bench import BenchNumbers
from hyperseg.records.network import network_ref
from hyperseg.records.provenance import machine, provenance
from hyperseg.records.schema import Record
from hyperseg.records.store import sha256_file


def run(variant: str, parts: Collection[Part], setting: Setting, campaign: str) -> Record:
    """Measure the parts; the caller holds the device's lock and has set torch's threads."""
    started, began = datetime.now(UTC), time.perf_counter()
    commit, dirty = checkout_state(setting.authors)
    found: dict[str, Any] = {}
    if "inference" in parts:
        found["inference"] = inference.measure(variant, setting)
    if "training" in parts:
        found["training"] = training.measure(variant, setting)
    if "agreement" in parts and setting.weights is not None and setting.images is not None:
        found["agreement_images"], found["agreement"] = agreement.measure(
            setting.weights, setting.images, variant, setting
        )
    if "memory" in parts:
        found["memory"] = memory.measure(variant, setting)
    if "scaling" in parts:
        found["scaling"] = scaling.measure(variant, setting)
    if "sampling" in parts:
        found["sampling"] = sampling.measure(variant, setting)
    if "peers" in parts:
        found["peers"] = peers.measure(variant, setting)
    numbers = BenchNumbers(
        device=setting.device,
        device_name=torch.cuda.get_device_name() if setting.device == "cuda" else machine().cpu,
        clock=setting.clock,
        authors_commit=commit,
        authors_dirty=dirty,
        **found,
    )
    network = ours(variant)
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
        numbers=numbers.model_copy(update={"goals": goals(numbers)}),
    )


def _config(parts: Collection[Part], setting: Setting) -> dict[str, Any]:
    return {
        "parts": sorted(parts),
        "engines": list(setting.engines),
        "rounds": setting.rounds,
        "clock": setting.clock,
        "train_batch": setting.train_batch,
        "train_size": setting.train_size,
        "agreement_images": str(setting.images) if setting.images else None,
        "agreement_limit": setting.limit,
        "sampling_pairs": setting.pairs,
        "sampling_block_seconds": setting.block_seconds,
    }
