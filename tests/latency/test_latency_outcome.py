"""From raw samples to numbers, and the sweep's order and end, on recorded results."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from made_latency import RIGHT, job
from record_factory import network

from hyperseg.cli.latency import command
from hyperseg.errors import UserError
from hyperseg.latency import laboratory
from hyperseg.latency.job import Job, RawSeries, Result
from hyperseg.latency.processes import OutOfMemoryError
from hyperseg.latency.protocol import load_protocol
from hyperseg.latency.request import Plan, PlannedPoint, Request
from hyperseg.latency.roofline import Work
from hyperseg.latency.subjects import VariantSpec
from hyperseg.records.latency import LatencyNumbers
from hyperseg.records.provenance import machine
from hyperseg.records.store import read_record


def result(milliseconds: Sequence[float]) -> Result:
    """What a quiet process would answer with these latencies."""
    nanoseconds = [round(value * 1e6) for value in milliseconds]
    empty = RawSeries(started_ns=[], latency_ns=[], device_ns=[])
    timed = RawSeries(started_ns=nanoseconds, latency_ns=nanoseconds, device_ns=[None] * len(nanoseconds))
    return Result(
        warm_up=empty,
        timed=timed,
        settled=True,
        enough_samples=True,
        prepare_s=0.5,
        peak_memory_bytes=1000 + len(nanoseconds),
        peak_memory_method="resident",
        batch_norms_left=0,
        threads=2,
        calibration_kernel="product",
        calibration_before_ms=10.0,
        calibration_after_ms=10.1,
        peak_gflop_per_s=100.0,
        peak_gigabytes_per_s=10.0,
        cpu_conditions=None,
        gpu_conditions=None,
        sampling_failure=None,
        sampling_cost_percent=0.1,
        condition_readings={"cpu": [{"busy_s": 1.0}]},
        device_name=machine().cpu,
        answer=RIGHT,
        switches={"cudnn.benchmark": True},
    )


def plan(protocol: str, engine: str = "eager", **changes: Any) -> Plan:
    """A plan of that protocol at 576 x 768, without building a network; `changes` are made to the protocol."""
    rules = load_protocol(protocol).model_copy(update=changes)
    subject = VariantSpec(variant="camvid_hyperseg_s")
    made = Plan(Request(subject, protocol, engine, "test", 576, 768), rules, network(subject.variant, weights=None))
    for batch in rules.batches:
        for scale in rules.input_scales if batch == rules.batches[0] else [1.0]:
            planned = job(
                engine=engine, stages=rules.stages, batch=batch, height=576, width=round(768 * scale),
                warm_up=rules.warm_up, length=rules.length,
            )  # fmt: skip
            axis = "input" if batch == rules.batches[0] and len(rules.input_scales) > 1 else "batch"
            work = Work(batch * scale, round(1e9 * batch * scale), 10**6, 10**6)
            made.points.append(PlannedPoint(axis, scale, planned, work))
    return made


def play(monkeypatch: pytest.MonkeyPatch, answer: Any) -> list[Job]:
    """Let `answer(job)` stand for the fresh process; returns the jobs in the order they were asked for."""
    asked: list[Job] = []

    def run(job: Job, follow: Any) -> Result:
        asked.append(job)
        found: Result = answer(job)
        return found

    monkeypatch.setattr(laboratory, "run_in_fresh_process", run)
    return asked


def quiet(text: str) -> None:
    pass


def numbers_of(outcome: laboratory.Outcome) -> LatencyNumbers:
    found = laboratory.make_record(outcome, None, None).numbers
    assert isinstance(found, LatencyNumbers)
    return found


def test_deploy_pools_the_samples_and_takes_the_interval_from_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    medians = iter([10.0, 10.2, 10.1])
    play(monkeypatch, lambda job: result([next(medians)] * 64))
    found = numbers_of(laboratory.measure_plans([plan("deploy")], quiet)[0])
    assert (found.samples, found.processes, found.process_medians_ms) == (192, 3, [10.0, 10.2, 10.1])
    assert found.median_ms == pytest.approx(10.1)
    assert found.fps == pytest.approx(1000 / 10.1)
    assert found.p90_ms == pytest.approx(10.2)
    assert found.p99_ms is None
    assert found.median_interval is not None
    assert found.median_interval.low < 10.0 < 10.2 < found.median_interval.high
    assert found.calibration is not None
    assert found.calibration.largest_change_percent == pytest.approx(1.0)
    assert found.verdict.verdict == "VALID"
    assert found.switches == {"cudnn.benchmark": True}


def test_one_process_with_a_wrong_answer_makes_the_number_invalid(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = RIGHT.model_copy(update={"equal_classes_percent": 8.0, "largest_logit_difference": None})
    answers = iter([RIGHT, wrong, RIGHT])
    play(monkeypatch, lambda job: result([10.0] * 64).model_copy(update={"answer": next(answers)}))
    found = numbers_of(laboratory.measure_plans([plan("deploy")], quiet)[0])
    assert found.answer == wrong
    assert found.verdict.verdict == "INVALID"
    assert found.verdict.reasons == [
        "the engine's answer holds NaN or infinity (in 1 of 3 processes)",
        "wrong answer: 8.00 % of the pixels have float32 eager's class, where 99.9 % are needed (in 1 of 3 processes)",
    ]


def test_the_roof_is_known_for_an_engine_of_single_operators_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, lambda job: result([200.0] * 64))
    eager, compiled = (
        numbers_of(outcome).roofline
        for outcome in laboratory.measure_plans([plan("deploy"), plan("deploy", "compile")], quiet)
    )
    assert eager is not None
    assert compiled is not None
    assert eager.fraction_of_roof == pytest.approx(0.5)  # 2 GFLOP over 1 GB: 10 GFLOP/s of a roof of 20
    assert (compiled.estimated_gigabytes_moved, compiled.flop_per_byte, compiled.fraction_of_roof) == (None,) * 3
    assert compiled.fraction_of_peak == eager.fraction_of_peak


def test_paper_counts_images_over_total_time(monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, lambda job: result([10.0, 10.0, 40.0]))
    found = numbers_of(laboratory.measure_plans([plan("paper")], quiet)[0])
    assert found.fps == pytest.approx(50.0)
    assert found.median_ms == pytest.approx(10.0)


def test_plans_of_a_session_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = play(monkeypatch, lambda job: result([10.0] * 6))
    outcomes = laboratory.measure_plans([plan("deploy"), plan("deploy", "compile")], quiet)
    assert [job.engine for job in asked] == ["eager", "compile"] * 3
    sessions = {laboratory.make_record(outcome, None, None).config["session"] for outcome in outcomes}
    assert len(sessions) == 1


def test_throughput_stops_where_a_doubling_brings_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    batch_ms = {1: 10.0, 2: 14.0, 4: 27.8, 8: 50.0}
    asked = play(monkeypatch, lambda job: result([batch_ms[job.batch]] * 8))
    found = numbers_of(laboratory.measure_plans([plan("throughput", processes=2)], quiet)[0])
    assert [job.batch for job in asked] == [1, 1, 2, 2, 4, 4]
    assert [point.batch for point in found.points] == [1, 2, 4]
    assert (found.batch, found.fps) == (4, pytest.approx(4000 / 27.8))
    assert "batch 4 brought 0.7 %" in found.conditions["sweep_ended"]


def test_throughput_ends_where_memory_does(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(job: Job) -> Result:
        if job.batch == 4:
            raise OutOfMemoryError("too little memory at batch 4")
        return result([10.0] * 8)

    play(monkeypatch, answer)
    found = numbers_of(laboratory.measure_plans([plan("throughput", processes=1)], quiet)[0])
    assert [point.batch for point in found.points] == [1, 2]
    assert found.conditions["sweep_ended"] == "too little memory at batch 4"


def test_one_of_all_engines_that_refuses_to_run_here_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU that cannot start kernels early, say, takes no other engine's numbers away."""

    def answer(job: Job) -> Result:
        if job.engine == "triton_early":
            raise UserError("this GPU cannot start kernels early; choose engine triton")
        return result([10.0] * 64)

    asked = play(monkeypatch, answer)
    early, eager = plan("deploy", "triton_early"), plan("deploy")
    with pytest.raises(UserError, match="cannot start kernels early"):
        laboratory.measure_plans([early, eager], quiet)
    asked.clear()
    early.request = replace(early.request, by_name=False)
    left_out, measured = laboratory.measure_plans([early, eager], quiet)
    assert left_out.refused == "this GPU cannot start kernels early; choose engine triton"
    assert [job.engine for job in asked] == ["triton_early", "eager", "eager", "eager"]
    assert numbers_of(measured).samples == 192


def test_the_command_keeps_what_was_measured_beside_an_engine_that_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def session(requests: Sequence[Request], tell: object, wait: bool) -> list[laboratory.Outcome]:
        assert not any(request.by_name for request in requests)
        plans = [replace(plan("deploy", request.engine), request=request) for request in requests]
        outcomes = laboratory.measure_plans(plans, quiet)
        outcomes[0].refused, outcomes[0].results = "it cannot run here", {}
        return outcomes

    play(monkeypatch, lambda job: result([10.0] * 64))
    monkeypatch.setattr(laboratory, "run_session", session)
    arguments = ["--variant", "camvid_hyperseg_s", "--engine", "all", "--out", str(tmp_path)]
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    assert "camvid_hyperseg_s on engine compile is left out: it cannot run here" in done.stderr
    assert not (tmp_path / "deploy-cpu-compile-float32.json").exists()
    assert (tmp_path / "deploy-cpu-eager-float32.json").exists()


def test_a_single_number_without_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(job: Job) -> Result:
        raise OutOfMemoryError("too little memory")

    play(monkeypatch, answer)
    with pytest.raises(UserError, match="too little memory"):
        laboratory.measure_plans([plan("deploy")], quiet)


def test_scaling_shows_linear_growth_in_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, lambda job: result([0.01 * job.width * job.batch] * 12))
    found = numbers_of(laboratory.measure_plans([plan("scaling", processes=1)], quiet)[0])
    assert (found.batch, found.input_width, found.median_ms) == (1, 768, pytest.approx(7.68))
    assert [(point.axis, point.batch, point.pixel_ratio) for point in found.points] == [
        ("input", 1, 0.25),
        ("input", 1, 0.5),
        ("input", 1, 1.0),
        ("input", 1, 2.0),
        ("input", 1, 4.0),
        ("batch", 2, 1.0),
        ("batch", 4, 1.0),
    ]
    assert found.pixel_exponent == pytest.approx(1.0)


def test_record_and_raw_samples_lie_side_by_side_and_are_never_overwritten(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import pyarrow.parquet as pq

    play(monkeypatch, lambda job: result(list(np.linspace(9, 11, 65))))
    outcome = laboratory.measure_plans([plan("deploy")], quiet)[0]
    path = tmp_path / "out" / "deploy.json"
    laboratory.save(outcome, path)
    record = read_record(path)
    table = pq.read_table(path.with_suffix(".parquet")).to_pandas()
    assert isinstance(record.numbers, LatencyNumbers)
    assert record.numbers.samples == len(table) == 195
    assert np.median(table["latency_ns"]) / 1e6 == pytest.approx(record.numbers.median_ms)
    assert sorted(table["process"].unique()) == [0, 1, 2]
    before = path.read_bytes()
    with pytest.raises(UserError, match="a record is never overwritten"):
        laboratory.save(outcome, path)
    assert path.read_bytes() == before
    assert sorted(file.name for file in path.parent.iterdir()) == ["deploy.json", "deploy.parquet"]
