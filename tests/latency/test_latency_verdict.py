"""The verdict on recorded conditions: each trouble is named, and a quiet run is VALID."""

import re
from dataclasses import replace

import pytest

from hyperseg.records.conditions import CpuSummary, GpuSummary
from hyperseg.records.verdict import Evidence, judge

CPU = CpuSummary(
    readings=40,
    window_s=10.0,
    others_load_percent=0.4,
    others_load_max_percent=1.1,
    stolen_percent=0.0,
    elsewhere_load_percent=None,
    frequency_mhz={"min": 2990.0, "median": 3000.0, "max": 3000.0},
    temperature_c=None,
    throttle_events=0,
    involuntary_switches=12,
    affinity=[0, 1],
    governor="performance",
    boost=False,
    load_average_1min=1.0,
    neighbours=[],
)
GPU = GpuSummary(
    readings=40,
    uuid="GPU-1",
    sm_clock_mhz={"min": 1965.0, "median": 1980.0, "max": 1980.0},
    memory_clock_mhz={"min": 3201.0, "median": 3201.0, "max": 3201.0},
    temperature_c={"min": 40.0, "median": 44.0, "max": 45.0},
    power_w={"min": 300.0, "median": 400.0, "max": 420.0},
    utilization_percent={"min": 90.0, "median": 99.0, "max": 100.0},
    memory_used_bytes={"min": 1e9, "median": 1e9, "max": 1e9},
    throttle_percent={},
    other_processes=[],
    unnamed_processes=0,
    unreadable=[],
)
QUIET = Evidence(
    median_ms=10.0,
    enough_samples=True,
    samples=1024,
    settled=True,
    drift_percent=0.3,
    calibration_change_percent=-0.5,
    cpu=CPU,
    gpu=GPU,
)
BUSY = replace(CPU, others_load_percent=50.0, neighbours=[{"pid": 77, "name": "make", "cpu_percent": 99.0}])


def test_a_quiet_run_is_valid() -> None:
    verdict = judge([QUIET, replace(QUIET, median_ms=10.1), replace(QUIET, median_ms=9.95)])
    assert (verdict.verdict, verdict.reasons, verdict.advice) == ("VALID", [], [])


@pytest.mark.parametrize(
    ("evidence", "verdict", "reason"),
    [
        (replace(QUIET, enough_samples=False, samples=12), "INVALID", "too few samples: 12"),
        (replace(QUIET, settled=False), "DEGRADED", "did not settle"),
        (replace(QUIET, drift_percent=-3.0), "DEGRADED", "drift: .* 3.0 %"),
        (replace(QUIET, drift_percent=30.0), "INVALID", "drift"),
        (replace(QUIET, calibration_change_percent=2.5), "DEGRADED", "calibration kernel .* 2.5 %"),
        (replace(QUIET, sampling_failure="OSError: gone"), "INVALID", "OSError: gone"),
        (replace(QUIET, cpu=BUSY), "INVALID", r"used 50.0 % .*: make \(pid 77, 99 %\)"),
        (replace(QUIET, cpu=replace(CPU, others_load_percent=3.0)), "DEGRADED", "used 3.0 %"),
        (replace(QUIET, cpu=replace(CPU, stolen_percent=8.0)), "INVALID", "hypervisor took 8.0 %"),
        (replace(QUIET, cpu=replace(CPU, throttle_events=2)), "INVALID", "throttled for heat 2 times"),
        (
            replace(QUIET, cpu=replace(CPU, frequency_mhz={"min": 2850.0, "median": 3000.0, "max": 3000.0})),
            "DEGRADED",
            r"processor clock moved by 5.0 % \(2850 to 3000 MHz\)",
        ),
        (
            replace(QUIET, gpu=replace(GPU, sm_clock_mhz={"min": 990.0, "median": 1980.0, "max": 1980.0})),
            "INVALID",
            "SM clock moved by 50.0 %",
        ),
        (
            replace(QUIET, gpu=replace(GPU, throttle_percent={"software power cap": 12.0})),
            "DEGRADED",
            "power cap.* 12 %",
        ),
        (replace(QUIET, gpu=replace(GPU, throttle_percent={"hardware slowdown": 2.5})), "INVALID", "hardware slowdown"),
        (
            replace(QUIET, gpu=replace(GPU, other_processes=[4242])),
            "INVALID",
            "1 other process was on the GPU: pid 4242",
        ),
        (replace(QUIET, gpu=replace(GPU, unnamed_processes=2)), "INVALID", "2 other processes were on the GPU"),
        (replace(QUIET, gpu=replace(GPU, unreadable=["throttle reasons"])), "DEGRADED", "does not tell its throttle"),
    ],
)
def test_each_trouble_is_named_with_advice(evidence: Evidence, verdict: str, reason: str) -> None:
    found = judge([evidence])
    assert found.verdict == verdict
    assert len(found.reasons) == 1
    assert re.search(reason, found.reasons[0])
    assert len(found.advice) == 1


def test_the_worst_of_several_processes_is_told_once() -> None:
    processes = [QUIET, replace(QUIET, drift_percent=3.0), replace(QUIET, drift_percent=12.0)]
    found = judge(processes)
    assert found.verdict == "INVALID"
    assert [reason for reason in found.reasons if "12.0 %" in reason and "in 2 of 3 processes" in reason]
    assert len(found.reasons) == 1


def test_processes_that_disagree_are_told() -> None:
    found = judge([QUIET, replace(QUIET, median_ms=10.8)])
    assert found.verdict == "DEGRADED"
    assert "the processes' medians differ by 7.7 %" in found.reasons[0]
