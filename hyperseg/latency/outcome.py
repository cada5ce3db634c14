"""From the processes' raw samples to a record's numbers. Imports no torch."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperseg.latency.engines import engine_table
from hyperseg.latency.job import Result
from hyperseg.latency.roofline import roofline
from hyperseg.records.conditions import CpuSummary, GpuSummary
from hyperseg.records.latency import LatencyNumbers, SweepPoint
from hyperseg.records.measurement import Answer, Calibration
from hyperseg.records.statistics import (
    P90_SAMPLES,
    P99_SAMPLES,
    Array,
    change_percent,
    drift_percent,
    log_slope,
    percentile,
    process_interval,
)
from hyperseg.records.verdict import Evidence, judge

if TYPE_CHECKING:
    from hyperseg.latency.request import Plan, PlannedPoint


def latencies_ms(result: Result) -> Array:
    """Timed latencies of one process, in milliseconds."""
    return np.asarray(result.timed.latency_ns, dtype=np.float64) / 1e6


def pooled_ms(results: Sequence[Result]) -> Array:
    """Timed latencies of all processes, in milliseconds."""
    return np.concatenate([latencies_ms(result) for result in results])


def process_medians(results: Sequence[Result]) -> list[float]:
    """The median of every process, in milliseconds."""
    return [float(np.median(latencies_ms(result))) for result in results]


def images_per_second(point: "PlannedPoint", results: Sequence[Result]) -> float:
    """Images over total time of the timed samples of all processes."""
    samples = pooled_ms(results)
    return float(point.job.batch * len(samples) / (samples.sum() / 1e3))


def evidence(result: Result) -> Evidence:
    """What one process saw, for the verdict."""
    samples = latencies_ms(result)
    return Evidence(
        median_ms=float(np.median(samples)),
        enough_samples=result.enough_samples,
        samples=len(samples),
        settled=result.settled,
        drift_percent=drift_percent(samples),
        calibration_change_percent=change_percent(result.calibration_before_ms, result.calibration_after_ms),
        cpu=CpuSummary(**result.cpu_conditions) if result.cpu_conditions else None,
        gpu=GpuSummary(**result.gpu_conditions) if result.gpu_conditions else None,
        sampling_failure=result.sampling_failure,
        answer=result.answer,
        gpu_unsampled=result.gpu_unsampled,
    )


def make_numbers(
    plan: "Plan",
    results: Mapping[int, Sequence[Result]],
    samples_file: str | None,
    samples_sha256: str | None,
    ended: str | None,
) -> LatencyNumbers:
    """The record's numbers: of the only point, or of a sweep's headline with all its points."""
    points = [_sweep_point(plan.points[index], found) for index, found in results.items()]
    index = _headline(plan, results)
    point, found = plan.points[index], results[index]
    job, first = point.job, found[0]
    samples, medians = pooled_ms(found), process_medians(found)
    median = float(np.median(samples))
    by_images = plan.protocol.statistic == "images_over_total_time"
    device = [ns for result in found for ns in result.timed.device_ns if ns is not None]
    along_input = [item for item in points if item.axis == "input"]
    return LatencyNumbers(
        device=job.device,
        device_name=first.device_name,
        engine=job.engine,
        precision=job.precision,
        tf32=job.tf32,
        batch_norm=job.batch_norm,
        batch=job.batch,
        input_height=job.height,
        input_width=job.width,
        clock_stages=list(job.stages),
        smoke=plan.protocol.smoke,
        samples=len(samples),
        warmup_samples=sum(len(result.warm_up.latency_ns) for result in found),
        processes=len(found),
        prepare_s=round(float(np.median([result.prepare_s for result in found])), 4),
        median_ms=median,
        median_interval=process_interval(medians),
        mean_ms=float(samples.mean()),
        p90_ms=percentile(samples, 90, P90_SAMPLES),
        p99_ms=percentile(samples, 99, P99_SAMPLES),
        fps=images_per_second(point, found) if by_images else job.batch * 1e3 / median,
        peak_memory_bytes=_peak_memory(found),
        samples_file=samples_file,
        samples_sha256=samples_sha256,
        conditions=_conditions(found, ended),
        verdict=judge([evidence(result) for result in found]),
        process_medians_ms=medians,
        device_median_ms=float(np.median(device)) / 1e6 if device else None,
        batch_norms_left=first.batch_norms_left,
        peak_memory_method=first.peak_memory_method,
        calibration=_calibration(found),
        roofline=roofline(
            point.work,
            (4 if job.precision == "float32" else 2) if engine_table()[job.engine].operator_by_operator else None,
            median,
            max(result.peak_gflop_per_s for result in found),
            max(result.peak_gigabytes_per_s for result in found),
        ),
        answer=worst_answer(found),
        switches=first.switches,
        points=points if plan.protocol.sweeps else [],
        pixel_exponent=log_slope(
            [item.input_height * item.input_width for item in along_input], [item.median_ms for item in along_input]
        ),
    )


def _headline(plan: "Plan", results: Mapping[int, Sequence[Result]]) -> int:
    """A throughput's best point; else the native input at the first batch."""
    if plan.protocol.statistic == "images_over_total_time":
        return max(results, key=lambda index: images_per_second(plan.points[index], results[index]))
    native = [i for i in results if plan.points[i].pixel_ratio == 1 and plan.points[i].job.batch == 1]
    return native[0] if native else next(iter(results))


def _sweep_point(point: "PlannedPoint", results: Sequence[Result]) -> SweepPoint:
    job, samples = point.job, pooled_ms(results)
    return SweepPoint(
        axis=point.axis,
        batch=job.batch,
        input_height=job.height,
        input_width=job.width,
        pixel_ratio=point.pixel_ratio,
        samples=len(samples),
        processes=len(results),
        median_ms=float(np.median(samples)),
        median_interval=process_interval(process_medians(results)),
        fps=images_per_second(point, results),
        peak_memory_bytes=_peak_memory(results),
        gmacs_per_batch=point.work.gmacs,
        answer=worst_answer(results),
        verdict=judge([evidence(result) for result in results]),
    )


def worst_answer(results: Sequence[Result]) -> Answer:
    """The worst of the processes' answers: the fewest equal classes, then the largest difference."""

    def order(answer: Answer) -> tuple[float, float]:
        difference = answer.largest_logit_difference
        return answer.equal_classes_percent, float("-inf") if difference is None else -difference

    return min((result.answer for result in results), key=order)


def _peak_memory(results: Sequence[Result]) -> int | None:
    peaks = [result.peak_memory_bytes for result in results if result.peak_memory_bytes is not None]
    return max(peaks) if peaks else None


def _calibration(results: Sequence[Result]) -> Calibration:
    return calibration(
        results[0].calibration_kernel,
        [result.calibration_before_ms for result in results],
        [result.calibration_after_ms for result in results],
    )


def calibration(kernel: str, before: list[float], after: list[float]) -> Calibration:
    """The record's account of the fixed kernel, timed `before` and `after` in every process, in ms."""
    changes = [abs(change_percent(b, a)) for b, a in zip(before, after, strict=True)]
    return Calibration(
        kernel=kernel,
        before_ms=before,
        after_ms=after,
        largest_change_percent=round(max(changes), 2),
    )


def _conditions(results: Sequence[Result], ended: str | None) -> dict[str, Any]:
    """Of every process, in order; the readings themselves are with the raw samples."""
    conditions: dict[str, Any] = {
        "cpu": [result.cpu_conditions for result in results],
        "drift_percent": [round(drift_percent(latencies_ms(result)), 2) for result in results],
        "settled": [result.settled for result in results],
        "sampling_cost_percent": [result.sampling_cost_percent for result in results],
    }
    if any(result.gpu_conditions for result in results):
        conditions["gpu"] = [result.gpu_conditions for result in results]
    if ended is not None:
        conditions["sweep_ended"] = ended
    return conditions
