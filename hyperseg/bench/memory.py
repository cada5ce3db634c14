"""Peak memory of inference, every engine beside the authors' network, each in a fresh process on the same input."""

from hyperseg.bench.networks import modes_of, usable_engines
from hyperseg.bench.setting import Setting
from hyperseg.errors import UserError
from hyperseg.latency.job import Job, Result
from hyperseg.latency.processes import run_in_fresh_process
from hyperseg.latency.protocol import Precision, load_protocol
from hyperseg.latency.subjects import AuthorsSpec, VariantSpec
from hyperseg.models.variants import get_variant
from hyperseg.records.bench import BenchMemory


def measure(variant: str, setting: Setting) -> list[BenchMemory]:
    """The authors' peak first, then ours by engine and precision; the forward pass to logits, native input, batch 1."""
    authors = _run(AuthorsSpec(checkout=setting.authors.absolute(), variant=variant), "eager", "float32", setting)
    assert authors.peak_memory_bytes is not None
    rows = [_row("authors", authors, authors.peak_memory_bytes)]
    for engine, precision in modes_of(usable_engines(setting), setting.device):
        try:
            result = _run(VariantSpec(variant=variant), engine.name, precision, setting)
        except UserError as error:
            setting.say(f"engine {engine.name} in {precision} is left out: {error}")
            continue
        rows.append(_row(f"{engine.name}/{precision}", result, authors.peak_memory_bytes))
    return rows


def _run(subject: VariantSpec | AuthorsSpec, engine: str, precision: Precision, setting: Setting) -> Result:
    """A handful of passes under the laboratory's eye; only the peak is wanted."""
    protocol = load_protocol("smoke")
    height, width = get_variant(subject.variant).eval_hw
    job = Job(
        subject=subject,
        engine=engine,
        device=setting.device,
        precision=precision,
        tf32=False,
        batch_norm="kept",  # the engines fold what they can by themselves
        stages=["forward"],
        batch=1,
        height=height,
        width=width,
        threads=setting.threads,
        warm_up=protocol.warm_up,
        length=protocol.length,
        calibration_seconds=0.0,
    )
    return run_in_fresh_process(job)


def _row(name: str, result: Result, authors: int) -> BenchMemory:
    assert result.peak_memory_bytes is not None
    return BenchMemory(
        name=name,
        peak_bytes=result.peak_memory_bytes,
        ratio=result.peak_memory_bytes / authors,
        method=result.peak_memory_method,
    )
