"""Engine ``triton_early`` beside ``triton``: the same bits, image by image, and the time of a pass by CUDA events."""

import json
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from hyperseg.arithmetic import fix_arithmetic
from hyperseg.bench.networks import ours
from hyperseg.errors import UserError
from hyperseg.files import write_text_atomic
from hyperseg.gpu.plan import Options
from hyperseg.kernels.triton.network import TritonNetwork
from hyperseg.latency.clock import CpuClock, CudaClock, LatencySeries
from hyperseg.latency.engines import Run, Target, engine_table

PLAIN, EARLY = "triton", "triton_early"
ROUNDS = 60


def check(options: Options, variant: str, size: tuple[int, int]) -> None:
    """Write OUT/passes/VARIANT.json: of each precision the median of a pass on both engines, and whether bits agree.

    Where the GPU cannot start kernels early, the median of engine triton alone.
    """
    fix_arithmetic(tf32=False)
    generator = torch.Generator().manual_seed(0)
    images = [torch.randn(1, 3, *size, generator=generator).to(options.device) for _ in range(2)]
    rows = []
    with torch.inference_mode():
        for precision in options.precisions:
            target = Target(options.device, precision, torch.get_num_threads(), tf32=False)
            runs: dict[str, Run] = {}
            for name in (PLAIN, EARLY):
                try:
                    runs[name] = engine_table()[name].prepare(ours(variant).to(options.device), images[0], target)
                except UserError as error:
                    print(f"engine {name} in {precision} is left out: {error}")
            row: dict[str, Any] = {"precision": precision, "median_us": medians(runs, images, options.device)}
            if len(runs) == 2:
                row["same_bits"] = same_bits(runs[PLAIN], runs[EARLY], images)
            print(row)
            rows.append(row)
    write_text_atomic(options.out / "passes" / f"{variant}.json", json.dumps(rows, indent=1) + "\n")


def same_bits(plain: Run, early: Run, images: Sequence[Tensor]) -> bool:
    """Whether both agree bit by bit on alternating images: a kernel that reads too soon reads the image before."""
    wanted = [plain(image).clone() for image in images]
    return all(torch.equal(early(images[i % len(images)]), wanted[i % len(images)]) for i in range(ROUNDS))


def medians(runs: dict[str, Run], images: Sequence[Tensor], device: str) -> dict[str, float]:
    """Microseconds of a pass, the engines in turns; of a captured network its graph, without the image's copy."""
    clocks = {name: _clock(run, images[0], device) for name, run in runs.items()}
    series = {name: LatencySeries() for name in runs}
    for _ in range(ROUNDS):
        for name, clock in clocks.items():
            clock.sample(series[name])
    times = {name: found.device_ns if device == "cuda" else found.latency_ns for name, found in series.items()}
    return {name: statistics.median(ns for ns in found if ns is not None) / 1e3 for name, found in times.items()}


def _clock(run: Run, image: Tensor, device: str) -> CpuClock | CudaClock:
    run(image)
    replay: Callable[[], object] | None = run.captured if isinstance(run, TritonNetwork) else None
    return (CudaClock if device == "cuda" else CpuClock)(lambda _: replay() if replay else run(image))


def faster(options: Options, variant: str) -> str:
    """The engine that was the faster in float16 with the same bits, if both were timed; else triton."""
    path = options.out / "passes" / f"{variant}.json"
    rows = {row["precision"]: row for row in json.loads(path.read_text())} if path.exists() else {}
    row = rows.get("float16", {})
    if not row.get("same_bits"):
        return PLAIN
    return min(row["median_us"], key=row["median_us"].__getitem__)
