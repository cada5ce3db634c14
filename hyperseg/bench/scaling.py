"""How time grows with the input's pixels (0.25x to 4x) and with the batch, all points in turns in one process."""

import statistics

import torch

from hyperseg.bench.contest import contest
from hyperseg.bench.networks import fast_engine, ours, prepared, timed, usable_engines
from hyperseg.bench.setting import SEED, Setting
from hyperseg.latency.protocol import load_protocol
from hyperseg.latency.ratios import Contender
from hyperseg.latency.request import Request, sizes
from hyperseg.latency.subjects import VariantSpec
from hyperseg.records.bench import BenchPoint, BenchScaling
from hyperseg.records.statistics import log_slope


def measure(variant: str, setting: Setting) -> list[BenchScaling]:
    """The points of the protocol `scaling`, by every engine that was named, else by the fastest; float32."""
    engines = usable_engines(setting) if setting.engines else [fast_engine(setting)]
    return [_sweep(variant, e.name, setting) for e in engines if e.runs(setting.device, "float32")]


def _sweep(variant: str, engine: str, setting: Setting) -> BenchScaling:
    from hyperseg.latency.engines import engine_table

    network = ours(variant).to(setting.device)
    native = network.variant.eval_hw
    request = Request(VariantSpec(variant=variant), "scaling", engine, "bench", *native, device=setting.device)
    generator = torch.Generator().manual_seed(SEED)
    laid_out = sizes(request, load_protocol("scaling"))
    contenders = []
    with torch.inference_mode():
        for axis, batch, height, width in laid_out:
            image = torch.randn(batch, 3, height, width, generator=generator).to(setting.device)
            for _, run in prepared(network, image, setting, [(engine_table()[engine], "float32")]):
                contenders.append(Contender(f"{axis} {batch} x {height} x {width}", timed(run, image)))
        timings, load = contest(contenders, setting)
    points = [
        BenchPoint(
            axis=axis,
            batch=batch,
            input_height=height,
            input_width=width,
            pixel_ratio=height * width / (native[0] * native[1]),
            rounds_ms=list(timing.milliseconds),
            median_ms=statistics.median(timing.milliseconds),
        )
        for (axis, batch, height, width), timing in zip(laid_out, timings, strict=True)
    ]
    along = [point for point in points if point.axis == "input"]
    exponent = log_slope([p.input_height * p.input_width for p in along], [p.median_ms for p in along])
    return BenchScaling(name=f"{engine}/float32", points=points, pixel_exponent=exponent, others_load_percent=load)
