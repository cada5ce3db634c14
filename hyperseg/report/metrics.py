"""Headline numbers as one flat JSON object, for `dvc metrics show` and `diff`."""

import json
from collections import Counter
from statistics import mean

from hyperseg.records import NetworkRef
from hyperseg.report.collection import Collection, protocol_of, protocol_slug
from hyperseg.report.tables.accuracy import accuracy_rows
from hyperseg.report.timed_seeds import weights_titles

# (short name, what tells it apart from another of that name, hash of its record as a last resort), value
Named = tuple[tuple[str, str, str], float]


def metrics(collection: Collection) -> dict[str, float]:
    """Dotted names -> values: mIoU by dataset, split, network and protocol; latency medians by setting.

    A median's name carries the machine's fingerprint: a difference between commits never compares two
    machines; that of a smoke run says so and stays, whatever its verdict. Other INVALID medians are left out. Campaign,
    backbone, slices and seed come into a name only where two numbers would share it.
    """
    found = [*_accuracies(collection), *_latencies(collection)]
    short = Counter(parts[0] for parts, _ in found)
    long = Counter(parts[:2] for parts, _ in found)
    named = {}
    for parts, value in found:
        length = 1 if short[parts[0]] == 1 else 2 if long[parts[:2]] == 1 else 3
        named[".".join(parts[:length])] = round(value, 6)
    return dict(sorted(named.items()))


def to_json(collection: Collection) -> str:
    return json.dumps(metrics(collection), indent=1) + "\n"


def _accuracies(collection: Collection) -> list[Named]:
    found: list[Named] = []
    for row in accuracy_rows(collection):
        for protocol in sorted({protocol_of(entry.record) for entry in row}):
            seeds = [entry for entry in row if protocol_of(entry.record) == protocol]
            record, dataset = seeds[0].record, seeds[0].record.dataset
            scored = f"{dataset.id}.{dataset.split}" if dataset else "none"
            name = f"miou_percent.{scored}.{record.network.id}.{protocol_slug(protocol)}"
            parts = (name, _detail(record.campaign, record.network), seeds[0].sha256[:12])
            found.append((parts, mean(entry.numbers.miou_percent for entry in seeds)))
    return found


def _latencies(collection: Collection) -> list[Named]:
    found: list[Named] = []
    titles = weights_titles(collection)
    for entry in collection.latency:
        numbers, record = entry.numbers, entry.record
        if numbers.verdict.verdict == "INVALID" and not numbers.smoke:
            continue
        protocol = protocol_of(record)
        smoke = "smoke_" if numbers.smoke and protocol[0] != "smoke" else ""
        name = [
            "latency_median_ms", record.network.id, smoke + protocol_slug(protocol), numbers.device, numbers.engine,
            numbers.precision + ("_tf32" if numbers.tf32 else ""), record.provenance.machine.fingerprint,
        ]  # fmt: skip
        detail = f"{numbers.input_height}x{numbers.input_width}.batch{numbers.batch}.{numbers.batch_norm}"
        detail += f".{_detail(record.campaign, record.network)}"
        if entry.name in titles:
            detail += f".{titles[entry.name].replace(' ', '')}"
        parts = (".".join(name), detail, entry.sha256[:12])
        found.append((parts, numbers.median_ms))
    return found


def _detail(campaign: str, network: NetworkRef) -> str:
    return f"{campaign}.{network.source}.{network.backbone}.{network.slices or 'none'}"
