"""How much faster one network is than another, wherever both were timed in the same way on the same machine."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hyperseg.report.comparability import Run, latency_reasons
from hyperseg.report.facts import PaperRow
from hyperseg.report.names import device_title

# Two timings that agree in these differ by the network only.
_SETTING = (
    "kind", "campaign", "protocol", "machine", "device_name", "threads", "source", "engine", "precision", "tf32",
    "batch_norm", "batch",
)  # fmt: skip


@dataclass(frozen=True)
class Ratio:
    """`value`: how many times as fast."""

    value: float
    low: float | None
    high: float | None
    code: str  # "the authors' code", or which engine of ours
    device: str
    plain: bool  # in float32
    records: tuple[str, ...]


def speed_ratios(runs: Sequence[Run], first: PaperRow, second: PaperRow) -> list[Ratio]:
    """Time of `second` over time of `first` at the paper's input sizes, by setting; the first one is judged.

    INVALID latencies, smoke runs and sweeps do not count; of two timings in one setting the later one does.
    """
    pairs: dict[tuple[Any, ...], dict[str, Run]] = {}
    for run in sorted(runs, key=lambda run: run["started_at"]):
        for row in (first, second):
            if _usable(run, row):
                pairs.setdefault(tuple(run[name] for name in _SETTING), {})[row.variant] = run
    both = [(pair[first.variant], pair[second.variant]) for pair in pairs.values() if len(pair) == 2]
    return [_ratio(one, other) for one, other in sorted(both, key=lambda pair: _distance(pair[0], first))]


def _usable(run: Run, row: PaperRow) -> bool:
    timed = run["kind"] == "latency" and run["subject"] is None
    turns = run["kind"] == "bench" and str(run["subject"]).startswith(("inference: ", "peers: "))
    return (
        run["quantity"] == "latency_median" and (timed or turns) and run["variant"] == row.variant
        and (run["input_height"], run["input_width"]) == (row.input_height, row.input_width)
        and not run["smoke"] and run["verdict"] != "INVALID"
    )  # fmt: skip


def _distance(run: Run, row: PaperRow) -> tuple[Any, ...]:
    """Sorts settings as the tolerance 'ratio' of ``claims.yaml`` states: the paper's own first.

    Then float32; GPUs before CPUs; what the device spends, that is on a GPU a network started as one CUDA graph before
    eager PyTorch, whose time is that of starting kernels on a fast GPU; PyTorch's kernels before ours; our network
    before the authors' code.
    """
    gpu = run["device"] == "cuda"
    plain = (*(("cudagraph", "triton") if gpu else ()), "eager", "native")
    engine = str(run["engine"])
    return (
        run["kind"] == "bench" or bool(latency_reasons(run, row)), run["precision"] != "float32" or bool(run["tf32"]),
        not gpu, plain.index(engine) if engine in plain else len(plain), run["source"] != "hyperseg",
        run["kind"] == "bench", engine, str(run["campaign"]),
    )  # fmt: skip


def _ratio(one: Run, other: Run) -> Ratio:
    value = other["value"] / one["value"]
    low = high = None
    if all(run["low"] and run["high"] for run in (one, other)):
        low = value / _joined(one["high"] / one["value"], other["value"] / other["low"])
        high = value * _joined(one["value"] / one["low"], other["high"] / other["value"])
    engine = {"cudagraph": "as a CUDA graph", "eager": "in eager PyTorch"}.get(one["engine"], f"on {one['engine']}")
    code = "the authors' code" if one["source"] == "authors" else f"our network {engine}"
    device = device_title(str(one["device_name"]))
    plain = one["precision"] == "float32" and not one["tf32"]
    if not plain:
        code += f" in {'TF32' if one['tf32'] else one['precision']}"
    return Ratio(value, low, high, code, device, plain, (str(one["record"]), str(other["record"])))


def _joined(*factors: float) -> float:
    """How far the ratio of two independent times may be off, from how far each may be (MOVER, on a log scale)."""
    return math.exp(math.hypot(*(math.log(max(factor, 1.0)) for factor in factors)))


def places(found: Sequence[Ratio]) -> str:
    """Where the ratio was measured, and what other code and other devices gave in float32."""
    first = found[0]
    said = f"{first.code} on {first.device}"
    for device in dict.fromkeys(ratio.device for ratio in found):
        others: dict[str, list[float]] = {}
        for ratio in found:
            if ratio.device == device and ratio.plain and (device, ratio.code) != (first.device, first.code):
                others.setdefault(ratio.code, []).append(ratio.value)
        if others:
            named = ", ".join(f"{_range(values)} by {code}" for code, values in others.items())
            said += f"; {'there' if device == first.device else f'on {device}'} also {named}"
    return said


def _range(values: Sequence[float]) -> str:
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low} to {high}"
