"""What sampling the conditions costs the timed process, on the fastest engine."""

from hyperseg.bench.networks import fast_engine
from hyperseg.bench.setting import Setting
from hyperseg.latency import sampling_overhead
from hyperseg.latency.request import Request
from hyperseg.latency.subjects import VariantSpec
from hyperseg.models.variants import get_variant
from hyperseg.records.bench import BenchChange, BenchSampling


def measure(variant: str, setting: Setting) -> BenchSampling:
    """Blocks with and without the side thread, in turns."""
    engine = fast_engine(setting).name
    height, width = get_variant(variant).eval_hw
    request = Request(
        VariantSpec(variant=variant), "deploy", engine, "bench", height, width,
        device=setting.device, threads=setting.threads,
    )  # fmt: skip
    found = sampling_overhead.measure(request, setting.pairs, setting.block_seconds)
    return BenchSampling(
        name=f"{engine}/float32",
        wall=_change(found.wall),
        cpu=_change(found.cpu),
        runs=found.runs,
        pairs=found.pairs,
        thread_percent=found.thread_percent,
    )


def _change(change: sampling_overhead.Change) -> BenchChange:
    return BenchChange(
        with_ms=change.with_ms,
        without_ms=change.without_ms,
        percent=change.percent,
        low_percent=change.low_percent,
        high_percent=change.high_percent,
    )
