"""Counts finished and running jobs and estimates the time left, from Snakemake's events."""

import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hyperseg.pipeline.campaign import Campaign

# Seconds a job of each rule takes in the demo on one core: where an estimate starts before one has been seen.
PRIOR_S = {
    "streets": 10.0, "prepare": 30.0, "train": 60.0, "evaluate": 15.0, "strips": 5.0, "latency": 20.0,
    "report": 15.0,
}  # fmt: skip
SCORES = ("evaluate", "strips")  # rules that take an evaluation's threads
NO_WORK = ("all", "dataset", "latencies", "total")  # rules that call no command of this package, and the sum
LEFT = re.compile(r"left (\d+):(\d\d):(\d\d)\s*$")  # how a training's line ends


@dataclass
class Job:
    """One running job."""

    id: int
    rule: str
    name: str
    log: Path | None
    started: float
    wildcards: dict[str, str] = field(default_factory=dict)

    def state(self) -> str:
        """The last line of the job's log."""
        return last_lines(self.log, 1)[-1] if self.log and last_lines(self.log, 1) else ""

    def left_s(self) -> float | None:
        """Seconds left by the job's own word."""
        told = LEFT.search(self.state())
        return int(told[1]) * 3600.0 + int(told[2]) * 60 + int(told[3]) if told else None


@dataclass
class Progress:
    """Keeps count of one run; feed it the events in order."""

    campaign: Campaign
    cores: int  # of this machine; where jobs run elsewhere, how many run at a time
    gpu: bool
    local: bool = True
    planned: dict[str, int] = field(default_factory=dict)
    running: dict[int, Job] = field(default_factory=dict)
    finished: list[tuple[str, float]] = field(default_factory=list)  # (rule, seconds)
    failed: list[Job] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.planned.values())

    @property
    def done(self) -> int:
        return len(self.finished)

    def take(self, event: dict[str, Any]) -> Job | None:
        """Count one event in; returns the job that finished or failed with it."""
        now = time.monotonic()
        match event["event"]:
            case "run_info":
                stats = event["stats"] or {}
                self.planned = {rule: int(n) for rule, n in stats.items() if rule not in NO_WORK}
            case "job_info" if event["rule_name"] not in NO_WORK:
                logs = event["log"] or []
                named = {key: str(value) for key, value in (event["wildcards"] or {}).items()}
                name = " ".join([event["rule_name"], *named.values()])
                job = Job(event["jobid"], event["rule_name"], name, Path(logs[0]) if logs else None, now, named)
                self.running[job.id] = job
            case "job_finished" if job_ := self.running.pop(event["job_id"], None):
                self.finished.append((job_.rule, now - job_.started))
                return job_
            case "job_error" if job_ := self.running.pop(event["jobid"], None):
                self.failed.append(job_)
                return job_
            case "message":
                self.messages.append(event["text"])
        return None

    def left_s(self) -> float:
        """Seconds until the end: the cost of each job left, by what was seen of its rule, over the cores it takes."""
        now = time.monotonic()
        seen = {rule: [s for r, s in self.finished if r == rule] for rule in self.planned}
        for job in self.running.values():
            told = job.left_s()
            if told is not None:
                seen.setdefault(job.rule, []).append(now - job.started + told)
        pairs = [(sum(v) / len(v), PRIOR_S.get(r, 30.0)) for r, v in seen.items() if v]
        pace = sum(s for s, _ in pairs) / sum(p for _, p in pairs) if pairs else 1.0
        cost = {r: sum(v) / len(v) if v else PRIOR_S.get(r, 30.0) * pace for r, v in seen.items()}
        core_seconds = 0.0
        for rule, count in self.planned.items():
            at_work = [job for job in self.running.values() if job.rule == rule]
            waiting = count - sum(r == rule for r, _ in self.finished) - len(at_work)
            left = max(waiting, 0) * cost[rule]
            for job in at_work:
                told = job.left_s()
                left += told if told is not None else max(cost[rule] - (now - job.started), 1.0)
            core_seconds += left * self._cores_of(rule)
        return core_seconds / self.cores

    def _cores_of(self, rule: str) -> int:
        """Cores that a job of the rule keeps from others; on a machine with a GPU its jobs run one by one."""
        if not self.local:
            return 1
        if rule == "latency" or (self.gpu and rule in ("train", "evaluate")):
            return self.cores
        threads = {"train": self.campaign.threads.train} | dict.fromkeys(SCORES, self.campaign.threads.evaluate)
        return min(threads.get(rule, 1), self.cores)


def last_lines(log: Path | None, count: int) -> list[str]:
    """The last non-empty lines of a log, from its last 8 KiB; none where there is no file yet."""
    try:
        with log.open("rb") if log else open("/dev/null", "rb") as file:
            file.seek(max(file.seek(0, 2) - 8192, 0))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()][-count:]


def clock(seconds: float) -> str:
    """``3 min 20 s``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
