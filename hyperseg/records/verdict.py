"""VALID, DEGRADED or INVALID, with the reasons and what to do about them.

A finding over its first limit degrades a number, over its second one invalidates it. An INVALID number enters no claim.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from hyperseg.records.conditions import HARD_REASONS, CpuSummary, GpuSummary
from hyperseg.records.measurement import Answer, Verdict
from hyperseg.records.statistics import spread_percent

Severity = Literal["DEGRADED", "INVALID"]


@dataclass(frozen=True)
class Limits:
    """(degraded above, invalid above), in percent; the protocols' two percent, and five times that."""

    clock: tuple[float, float] = (2, 10)
    drift: tuple[float, float] = (2, 10)
    calibration: tuple[float, float] = (2, 10)
    others_load: tuple[float, float] = (2, 10)
    stolen: tuple[float, float] = (1, 5)
    processes: tuple[float, float] = (5, 25)  # spread of the process medians
    interval: tuple[float, float] = (5, 25)  # half the 95 % interval of a ratio, over the ratio


@dataclass(frozen=True)
class Evidence:
    """What one process saw."""

    median_ms: float
    enough_samples: bool
    samples: int
    settled: bool  # the warm-up ended by stability, not by its bound
    drift_percent: float
    calibration_change_percent: float | None
    cpu: CpuSummary | None = None
    gpu: GpuSummary | None = None
    sampling_failure: str | None = None
    answer: Answer | None = None
    gpu_unsampled: bool = False
    interval_percent: float | None = None  # half the interval of a ratio, over the ratio


@dataclass(frozen=True)
class Finding:
    code: str
    severity: Severity
    reason: str
    advice: str
    amount: float = 0.0


@dataclass
class _Findings:
    found: list[Finding] = field(default_factory=list)

    def over(self, code: str, amount: float, limits: tuple[float, float], reason: str, advice: str) -> None:
        """Add a finding where `amount` is over the first limit."""
        if amount > limits[0]:
            self.add(code, "INVALID" if amount > limits[1] else "DEGRADED", reason, advice, amount)

    def add(self, code: str, severity: Severity, reason: str, advice: str, amount: float = 0.0) -> None:
        self.found.append(Finding(code, severity, reason, advice, amount))


def judge(processes: Sequence[Evidence], limits: Limits | None = None) -> Verdict:
    """The verdict on a number from the evidence of all its processes."""
    return as_verdict(findings(processes, limits or Limits()), len(processes))


def findings(processes: Sequence[Evidence], limits: Limits) -> list[list[Finding]]:
    """Findings by process; what concerns them together comes last."""
    found = [_of_process(evidence, limits) for evidence in processes]
    together = _Findings()
    if len(processes) > 1:
        spread = spread_percent([evidence.median_ms for evidence in processes])
        together.over(
            "processes",
            spread,
            limits.processes,
            f"the processes' medians differ by {spread:.1f} %",
            "give the machine to this job alone and run again",
        )
    return [*found, together.found]


def as_verdict(found: Sequence[Sequence[Finding]], processes: int) -> Verdict:
    """One sentence per kind of finding: the worst of its kind, and how many processes showed it."""
    kinds: dict[str, list[Finding]] = {}
    for finding in (item for group in found for item in group):
        kinds.setdefault(finding.code, []).append(finding)
    reasons, advice, severities = [], [], set()
    for same in kinds.values():
        worst = max(same, key=lambda item: (item.severity == "INVALID", item.amount))
        where = f" (in {len(same)} of {processes} processes)" if processes > 1 and worst.code != "processes" else ""
        reasons.append(f"{worst.reason}{where}")
        severities.add(worst.severity)
        if worst.advice not in advice:
            advice.append(worst.advice)
    worst_of_all: Literal["VALID", "DEGRADED", "INVALID"] = "VALID"
    if severities:
        worst_of_all = "INVALID" if "INVALID" in severities else "DEGRADED"
    return Verdict(verdict=worst_of_all, reasons=reasons, advice=advice)


def _of_process(evidence: Evidence, limits: Limits) -> list[Finding]:
    found = _Findings()
    if not evidence.enough_samples:
        found.add(
            "samples",
            "INVALID",
            f"too few samples: {evidence.samples} when the protocol's longest time was over",
            "time a smaller input, or on a faster device",
        )
    if not evidence.settled:
        found.add(
            "warm-up",
            "DEGRADED",
            "the warm-up did not settle: the medians of two windows never agreed",
            "give the machine to this job alone and run again",
        )
    drift = abs(evidence.drift_percent)
    found.over(
        "drift",
        drift,
        limits.drift,
        f"drift: the median of the last third differs by {drift:.1f} % from the first third's",
        "let the machine come to a steady temperature and load, then run again",
    )
    if evidence.calibration_change_percent is not None:
        change = abs(evidence.calibration_change_percent)
        found.over(
            "calibration",
            change,
            limits.calibration,
            f"the calibration kernel before and after differs by {change:.1f} %",
            "let the machine come to a steady temperature and load, then run again",
        )
    if evidence.sampling_failure is not None:
        found.add(
            "conditions",
            "INVALID",
            f"the conditions could not be sampled to the end: {evidence.sampling_failure}",
            "restore the counter and run again",
        )
    if evidence.gpu_unsampled:
        found.add(
            "unsampled",
            "DEGRADED",
            "the GPU's clocks, throttling and other processes were not sampled, as nvidia-ml-py is not installed",
            "install nvidia-ml-py and run again",
        )
    if evidence.interval_percent is not None:
        width = evidence.interval_percent
        found.over(
            "interval",
            width,
            limits.interval,
            f"the ratio's 95 % interval is wide: {width:.1f} % to either side",
            "give the machine to this job alone, or take more rounds",
        )
    if evidence.answer is not None:
        _answer(found, evidence.answer)
    if evidence.cpu is not None:
        _cpu(found, evidence.cpu, limits)
    if evidence.gpu is not None:
        _gpu(found, evidence.gpu, limits)
    return found.found


def _answer(found: _Findings, answer: Answer) -> None:
    advice = "take another engine or precision: this one's answers are wrong here"
    difference, allowed = answer.largest_logit_difference, answer.allowed_difference
    if difference is None:
        found.add("answer", "INVALID", "the engine's answer holds NaN or infinity", advice)
    elif difference > allowed:
        found.add(
            "answer",
            "INVALID",
            f"wrong answer: a logit differs from float32 eager's by {'at least ' if answer.at_least else ''}"
            f"{difference:.2g}, where {allowed:.2g} is allowed",
            advice,
            difference,
        )
    if answer.equal_classes_percent < answer.needed_equal_percent:
        found.add(
            "classes",
            "INVALID",
            f"wrong answer: {answer.equal_classes_percent:.2f} % of the pixels have float32 eager's class, where "
            f"{answer.needed_equal_percent:g} % are needed",
            advice,
            -answer.equal_classes_percent,
        )
    if allowed == 0:
        found.add(
            "blind",
            "DEGRADED",
            "the network answers zero everywhere, so a wrong answer would not be seen",
            "time it with other weights",
        )


def _cpu(found: _Findings, cpu: CpuSummary, limits: Limits) -> None:
    most = cpu.neighbours[:3]
    who = ", ".join(f"{item['name']} (pid {item['pid']}, {item['cpu_percent']:.0f} %)" for item in most)
    found.over(
        "load",
        cpu.others_load_percent,
        limits.others_load,
        f"other processes used {cpu.others_load_percent:.1f} % of our processors' time" + (f": {who}" if who else ""),
        "stop the other processes, or pin this job to processors of its own",
    )
    found.over(
        "stolen",
        cpu.stolen_percent,
        limits.stolen,
        f"the hypervisor took {cpu.stolen_percent:.1f} % of our processors' time",
        "use a machine that is not shared with other virtual machines",
    )
    if cpu.throttle_events:
        found.add(
            "throttling",
            "INVALID",
            f"the processor throttled for heat {cpu.throttle_events} times",
            "improve the cooling, or lower the sustained load",
            cpu.throttle_events,
        )
    _clock(found, "processor clock", cpu.frequency_mhz, limits, "set the performance governor and fix the frequency")


def _gpu(found: _Findings, gpu: GpuSummary, limits: Limits) -> None:
    for reason, share in (gpu.throttle_percent or {}).items():
        found.add(
            f"throttling: {reason}",
            "INVALID" if reason in HARD_REASONS else "DEGRADED",
            f"the GPU throttled ({reason}) in {share:.0f} % of the readings",
            "improve the cooling or the power limit, or lock the clocks below the limit",
            share,
        )
    _clock(found, "SM clock", gpu.sm_clock_mhz, limits, "lock the GPU's clocks (nvidia-smi --lock-gpu-clocks)")
    _clock(found, "GPU memory clock", gpu.memory_clock_mhz, limits, "lock the GPU's memory clock")
    pids = gpu.other_processes or []
    if pids or gpu.unnamed_processes:
        named = f": pid {', '.join(map(str, pids))}" if pids else ""
        count = len(pids) + gpu.unnamed_processes
        found.add(
            "other process",
            "INVALID",
            f"{count} other {'process was' if count == 1 else 'processes were'} on the GPU{named}",
            "stop it, or time on a GPU of its own",
            count,
        )
    blind = [name for name in ("throttle reasons", "SM clock", "processes") if name in gpu.unreadable]
    if blind:
        found.add(
            "unreadable",
            "DEGRADED",
            f"this GPU does not tell its {', '.join(blind)}, so they could not be checked",
            "time on a GPU whose driver tells them",
        )


def _clock(found: _Findings, name: str, clock: dict[str, float] | None, limits: Limits, advice: str) -> None:
    if clock is None or not clock["max"]:
        return
    moved = 100 * (clock["max"] - clock["min"]) / clock["max"]
    reason = f"the {name} moved by {moved:.1f} % ({clock['min']:.0f} to {clock['max']:.0f} MHz)"
    found.over(name, moved, limits.clock, reason, advice)
