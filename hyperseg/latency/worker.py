"""The fresh process of one measurement: a job as JSON on stdin, events as JSON lines on the descriptor given.

Events: ``{"event": "phase", "name"}``, ``{"event": "progress", "samples", "median_ms", "elapsed_s"}``, and at the end
one of ``{"event": "result", "result"}``, ``{"event": "refused", "message"}`` for a :class:`UserError`,
``{"event": "out_of_memory", "message"}`` and ``{"event": "crashed", "message"}`` with a traceback.
"""

import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from hyperseg.errors import UserError
from hyperseg.latency import clock, conditions_cpu, conditions_nvml
from hyperseg.latency.calibration import Calibrator, copy_gigabytes_per_s
from hyperseg.latency.conditions import Sampler, Source
from hyperseg.latency.job import Job, RawSeries, Result
from hyperseg.latency.peak_memory import PeakMemory
from hyperseg.machine_faults import explain, is_out_of_memory

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

Emit = Callable[..., None]


@dataclass
class Prepared:
    """A network ready to be timed."""

    run: clock.Run
    call: "Callable[[Tensor], Tensor]"
    images: "list[Tensor]"  # on the device
    prepare_s: float
    batch_norms_left: int
    memory: PeakMemory
    device: "torch.device"


def main() -> None:
    """Run the job on stdin; ``argv[1]`` is the descriptor for events."""
    with os.fdopen(int(sys.argv[1]), "w", buffering=1) as events:

        def emit(event: str, **values: Any) -> None:
            events.write(json.dumps({"event": event, **values}) + "\n")

        try:
            emit("result", result=run_job(Job.model_validate_json(sys.stdin.read()), emit).model_dump(mode="json"))
        except UserError as error:
            emit("refused", message=str(error))
        except Exception as error:
            if is_out_of_memory(error):
                emit("out_of_memory", message=str(error))
            elif fault := explain(error):
                emit("refused", message=str(fault))
            else:
                emit("crashed", message=traceback.format_exc())


def run_job(job: Job, emit: Emit) -> Result:
    """Prepare, calibrate, warm up, time, calibrate again and check the answer, in this process."""
    import torch

    from hyperseg.arithmetic import switches
    from hyperseg.latency import answers
    from hyperseg.records.provenance import machine

    emit("phase", name="preparing")
    sources = open_sources(job.device, job.device_index)
    prepared = prepare(job)
    calibrator = Calibrator(prepared.device, _calibrated_precision(job), job.calibration_seconds)
    bandwidth = copy_gigabytes_per_s(prepared.device)
    before = calibrator.time()
    prepared.memory.reset()

    timed, warm = clock.LatencySeries(), clock.LatencySeries()
    ticking = (clock.CudaClock if job.device == "cuda" else clock.CpuClock)(prepared.run)
    cpu = next(source for source in sources if isinstance(source, conditions_cpu.CpuSource))
    sampler = Sampler(sources, job.sampling_interval_s, heartbeat(emit, warm, timed))
    sampler.start()
    emit("phase", name="warming up")
    settled = clock.warm_up(ticking, job.warm_up, warm)
    emit("phase", name="timing")
    edge_before = conditions_cpu.Edge.read(cpu)
    opened_s = sampler.mark()
    enough = clock.measure(ticking, job.length, timed)
    series = sampler.stop()
    edge_after = conditions_cpu.Edge.read(cpu)

    peak = prepared.memory.read()
    emit("phase", name="calibrating")
    after = calibrator.time()
    emit("phase", name="checking the answer")
    answer = answers.check(job, prepared.call, prepared.images[0])
    cpu_readings = series.of("cpu", opened_s)
    gpu = next((source for source in sources if isinstance(source, conditions_nvml.NvmlSource)), None)
    gpu_readings = series.of("gpu", opened_s)
    return Result(
        warm_up=_raw(warm),
        timed=_raw(timed),
        settled=settled,
        enough_samples=enough,
        prepare_s=prepared.prepare_s,
        peak_memory_bytes=peak,
        peak_memory_method=prepared.memory.method,
        batch_norms_left=prepared.batch_norms_left,
        threads=torch.get_num_threads(),
        calibration_kernel=before.name,
        calibration_before_ms=before.median_ms,
        calibration_after_ms=after.median_ms,
        peak_gflop_per_s=max(before.peak_gflop_per_s, after.peak_gflop_per_s),
        peak_gigabytes_per_s=bandwidth,
        cpu_conditions=asdict(conditions_cpu.summarise(cpu_readings, cpu, edge_before, edge_after))
        if len(cpu_readings) > 1
        else None,
        gpu_conditions=asdict(gpu.summarise(gpu_readings)) if gpu and gpu_readings else None,
        sampling_failure=series.failure,
        gpu_unsampled=job.device == "cuda" and gpu is None,
        sampling_cost_percent=round(100 * series.cost_s / series.at_s[-1], 3) if series.at_s else 0.0,
        condition_readings={name: series.of(name) for name in series.readings},
        device_name=torch.cuda.get_device_name(prepared.device) if job.device == "cuda" else machine().cpu,
        answer=answer,
        switches=switches(),
    )


def open_sources(device: str, index: int) -> list[Source]:
    """The counters to sample; raises :class:`UserError` where one may not be read. A GPU's need nvidia-ml-py."""
    sources: list[Source] = [conditions_cpu.CpuSource()]
    if device == "cuda":
        import torch

        if not conditions_nvml.installed():
            return sources
        uuid = str(torch.cuda.get_device_properties(index).uuid)
        sources.append(conditions_nvml.open_nvml(uuid, os.getpid()))
    return sources


def prepare(job: Job) -> Prepared:
    """Build the subject, put its batch norms into the protocol's reading, and prepare the engine."""
    import importlib

    import torch

    from hyperseg.arithmetic import fix_arithmetic
    from hyperseg.latency.batch_norm import prepare_batch_norm
    from hyperseg.latency.engines import Target, get_engine
    from hyperseg.latency.stages import Staged, inputs

    if job.threads is not None:
        torch.set_num_threads(job.threads)
    fix_arithmetic(tf32=False)  # until the norms are folded: TF32 rounds by more than folding may change
    device = torch.device("cpu")
    if job.device == "cuda":
        device = torch.device("cuda", job.device_index)
        torch.cuda.set_device(device)
    engine = get_engine(job.engine, job.device, job.precision)
    for module in (*engine.requires, *engine.preload):
        importlib.import_module(module)
    network: nn.Module = job.subject.build().requires_grad_(False)
    network = network.to(device)
    images = inputs(job.batch, job.height, job.width, job.inputs)
    on_device = [image.to(device) for image in images]
    memory = PeakMemory(network, device)

    with torch.inference_mode():
        began = time.perf_counter()
        norms_left = prepare_batch_norm(network, job.batch_norm, on_device[0])
        fix_arithmetic(tf32=job.tf32)
        target = Target(job.device, job.precision, torch.get_num_threads(), job.tf32)
        call = engine.prepare(Staged(network, job.stages).eval(), on_device[0], target)
        call(on_device[0])
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        prepare_s = time.perf_counter() - began

    copies = "host_to_device" in job.stages
    held: list[Tensor] = [on_device[0]]

    @torch.inference_mode()
    def run(index: int) -> None:
        image = images[index % len(images)].to(device) if copies else on_device[index % len(images)]
        held[0] = call(image)  # held: every run then includes freeing the output before

    return Prepared(run, call, on_device, prepare_s, norms_left, memory, device)


def heartbeat(emit: Emit, warm: clock.LatencySeries, timed: clock.LatencySeries) -> Callable[[], None]:
    """A progress event at most twice a second, sent by the side thread."""
    said = time.perf_counter()
    began = said

    def beat() -> None:
        nonlocal said
        now = time.perf_counter()
        series = timed if len(timed) else warm
        if now - said < 0.5 or not len(series):
            return
        said = now
        recent = sorted(series.latency_ns[-32:])
        emit("progress", samples=len(series), median_ms=recent[len(recent) // 2] / 1e6, elapsed_s=now - began)

    return beat


def _calibrated_precision(job: Job) -> Any:
    """float16 products on a CPU are emulated: calibrate in float32 there."""
    return "float32" if job.device == "cpu" and job.precision == "float16" else job.precision


def _raw(series: clock.LatencySeries) -> RawSeries:
    return RawSeries(started_ns=series.started_ns, latency_ns=series.latency_ns, device_ns=series.device_ns)


if __name__ == "__main__":
    main()
