"""Compares every engine's answer after its network was freed and other graphs were captured."""

import gc
import json
from collections.abc import Sequence

import torch

from hyperseg.arithmetic import fix_arithmetic
from hyperseg.bench.networks import ours
from hyperseg.errors import UserError
from hyperseg.files import write_text_atomic
from hyperseg.gpu.plan import Options
from hyperseg.latency.answers import compare, tolerance
from hyperseg.latency.engines import Run, Target, engine_table
from hyperseg.records.verdict import Evidence, judge


def check(options: Options, variant: str, size: tuple[int, int], engines: Sequence[str], which: str) -> None:
    """Write OUT/answers/VARIANT-WHICH.json: engine, precision, difference, equal classes and verdict."""
    fix_arithmetic(tf32=False)
    runs: dict[tuple[str, str], Run] = {}
    network = ours(variant)
    image = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = network(image)
        del network
        image = image.to(options.device)
        for name in engines:
            for precision in options.precisions:
                engine = engine_table()[name]
                if not engine.runs(options.device, precision):
                    continue
                target = Target(options.device, precision, torch.get_num_threads(), tf32=False)
                try:
                    runs[name, precision] = engine.prepare(ours(variant).to(options.device), image, target)
                except UserError as error:
                    print(f"engine {name} in {precision} is left out: {error}")
        _reuse_freed_memory(options.device)
        rows = [_row(name, precision, run(image), expected) for (name, precision), run in runs.items()]
    write_text_atomic(options.out / "answers" / f"{variant}-{which}.json", json.dumps(rows, indent=1) + "\n")


def _reuse_freed_memory(device: str) -> None:
    """Fill freed memory with NaN: an engine that still reads it then answers NaN."""
    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()
    noise = [torch.full((1 << 20,), float("nan"), device=device) for _ in range(64)]
    del noise


def _row(engine: str, precision: str, answer: torch.Tensor, expected: torch.Tensor) -> dict[str, object]:
    found = compare(answer, expected, tolerance(precision, tf32=False))
    verdict = judge([Evidence(1.0, True, 1, True, drift_percent=0.0, calibration_change_percent=None, answer=found)])
    row: dict[str, object] = {"engine": engine, "precision": precision}
    return row | found.model_dump() | verdict.model_dump()
