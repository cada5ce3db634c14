"""Predicted times of a pass on an H200, from shapes and machine code: ``python -m hyperseg.kernels.triton.predict``.

Each kernel call takes at least the time to move each of its tensors once, the time of its products on tensor cores, and
the time to issue its instructions with every scheduler busy; and a start. The prediction adds up the largest of the
three and the start. It knows no latency: a call of few programs takes longer.
"""

import csv
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from hyperseg.kernels.inference import fuse
from hyperseg.kernels.triton.launch import Launch
from hyperseg.kernels.triton.machine import build, programs
from hyperseg.kernels.triton.network import NetworkPlan
from hyperseg.models import create_model
from hyperseg.models.variants import VARIANTS

BYTES = 4.3e12  # a second, of an H200's memory as measured
FLOP = {torch.float16: 700e12, torch.float32: 60e12}  # a second; float32 without TF32
ISSUED = 132 * 4 * 1.755e9  # warp instructions a second
START_US = 1.5  # of a kernel inside a CUDA graph
MEASURED = Path(__file__).parents[3] / "results/reference/gpu_h200_triton/passes.csv"
GOALS_MS = {
    "cityscapes_hyperseg_m": 0.8,
    "cityscapes_hyperseg_s": 1.2,
    "camvid_hyperseg_s": 0.75,
    "camvid_hyperseg_l": 1.3,
    "voc_hyperseg_l": 0.9,
}


@dataclass(frozen=True)
class Prediction:
    """Of one pass, microseconds."""

    variant: str
    launches: int
    memory: float
    products: float
    issue: float
    total: float


def predict(variant: str, dtype: torch.dtype = torch.float16) -> Prediction:
    """Of the variant's evaluation size; compiles every kernel."""
    fused = fuse(create_model(variant).eval()).to("meta")
    plan = NetworkPlan(fused, VARIANTS[variant].eval_hw, dtype)
    codes = {launch.key(): build(launch) for launch in {la.key(): la for la in plan.launches}.values()}
    memory = [moved_bytes(launch) / BYTES * 1e6 for launch in plan.launches]
    products = [flop(launch) / FLOP[dtype] * 1e6 for launch in plan.launches]
    issue = [
        codes[launch.key()].instructions * launch.warps * programs(launch) / ISSUED * 1e6 for launch in plan.launches
    ]
    total = sum(max(parts) + START_US for parts in zip(memory, products, issue, strict=True))
    return Prediction(variant, len(plan.launches), sum(memory), sum(products), sum(issue), total)


def moved_bytes(launch: Launch) -> int:
    """Each tensor once; of the cells' rows only what the level reads."""
    constants = launch.constants
    total = 0
    for tensor in {id(tensor): tensor for tensor in launch.tensors}.values():
        elements = tensor.numel()
        if "ROW" in constants and tensor.dim() == 2 and tensor.shape[1] == constants["ROW"]:
            elements = tensor.shape[0] * _read_of_a_row(launch)
        total += elements * tensor.element_size()
    return total


def _read_of_a_row(launch: Launch) -> int:
    constants = launch.constants
    match launch.kernel.__name__:
        case "conv_level":
            return (constants["S"] + constants["B"] + 2) * constants["N"]
        case "expand_level":
            return (constants["S"] + constants["B"] + constants["POINTS"]) * constants["N"]
        case "finish_level":
            return (9 + constants["OUTPUTS"]) * constants["N"]
        case _:
            return int(constants["ROW"])


def flop(launch: Launch) -> int:
    """Of products on tensor cores."""
    c, count = launch.constants, programs(launch)
    match launch.kernel.__name__:
        case "product":
            return 2 * count * c["BM"] * c["BN"] * c["K"]
        case "joined_product":
            return 2 * count * c["BM"] * c["BN"] * c["K"] * c["SEGMENTS"]
        case "generate":
            return 2 * count * c["BM"] * c["BN"] * 2 * c["BK"]
        case "conv_level" | "expand_level":
            return 2 * count * c["BM"] * c["N"] * (c["S"] + c["B"])
        case "finish_level":
            return 2 * count * c["BM"] * c["BO"] * c["N"]
        case "stem":
            return 2 * count * c["BM"] * c["BN"] * c["BK"]
        case _:
            return 0


def measured_ms() -> dict[str, str]:
    """Event medians of float16 passes on an H200, from the committed measurements; empty without a source tree."""
    if not MEASURED.exists():
        return {}
    with MEASURED.open(newline="") as rows:
        found = [row for row in csv.DictReader(rows) if row["precision"] == "float16"]
    return {row["variant"]: f"{float(row['event_median_us']) / 1000:.2f}" for row in found}


def table(predictions: list[Prediction]) -> str:
    """As Markdown."""
    measured = measured_ms()
    lines = [
        "| variant | launches | memory us | products us | issue us | starts us | predicted ms | goal ms | measured |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {p.variant} | {p.launches} | {p.memory:.0f} | {p.products:.0f} | {p.issue:.0f} | "
        f"{p.launches * START_US:.0f} | {p.total / 1e3:.2f} | {GOALS_MS[p.variant]:g} | "
        f"{measured.get(p.variant, 'not yet')} |"
        for p in predictions
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table([predict(variant) for variant in sys.argv[1:] or VARIANTS]))
