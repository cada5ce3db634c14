"""The laboratory: several plans in one session under the device's lock, fresh processes in turns, one record each."""

import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hyperseg.errors import UserError
from hyperseg.files import sha256_file
from hyperseg.latency.job import Job, Result
from hyperseg.latency.lock import device_lock
from hyperseg.latency.outcome import images_per_second, make_numbers
from hyperseg.latency.processes import OutOfMemoryError, run_in_fresh_process
from hyperseg.latency.request import Plan, PlannedPoint, Request, check_request, make_plan
from hyperseg.latency.samples import refuse_existing, write_samples
from hyperseg.records.provenance import provenance
from hyperseg.records.schema import ProtocolRef, Record
from hyperseg.records.statistics import change_percent
from hyperseg.records.store import write_record

Tell = Callable[[str], None]


@dataclass
class Outcome:
    """The results of a plan by point, in the points' order, and how its sweep ended."""

    plan: Plan
    started_at: datetime
    session: str  # the same for everything measured in turns: only those numbers may be divided by each other
    results: dict[int, list[Result]] = field(default_factory=dict)
    ended: str | None = None  # why a sweep took no further batch
    refused: str | None = None  # why an engine of 'all' has no results
    seconds: float = 0.0

    @property
    def title(self) -> str:
        request = self.plan.request
        return f"{request.subject.title} on engine {request.engine}"

    def runs(self) -> list[tuple[Job, int, Result]]:
        """(job, process number, result) of everything timed."""
        return [
            (self.plan.points[index].job, process, result)
            for index, results in self.results.items()
            for process, result in enumerate(results)
        ]


def run_session(requests: Sequence[Request], tell: Tell, wait: bool = False) -> list[Outcome]:
    """Measure every request in one session, under the locks of the devices it needs.

    `tell` gets the live line. Raises :class:`hyperseg.errors.UserError` before anything is timed for what cannot be,
    and for a device that another job is timing, unless `wait`. An outcome that was refused has no results to save.
    """
    devices = {check_request(request) for request in requests}
    with ExitStack() as locks:
        for key, name in sorted({(device.lock_key, device.name) for device in devices}):
            locks.enter_context(device_lock(key, name, wait, say=tell))
        return measure_plans([make_plan(request) for request in requests], tell)


def measure_plans(plans: Sequence[Plan], tell: Tell) -> list[Outcome]:
    """Measure checked plans; the caller holds their devices' locks.

    The processes of all single points take turns (the first of each, then the second of each, ...): a slow change
    of the machine affects them all; a sweep that stops by its own results runs after them.
    """
    session = uuid.uuid4().hex[:12]
    outcomes = [Outcome(plan, datetime.now(UTC), session) for plan in plans]
    _take_turns([outcome for outcome in outcomes if outcome.plan.protocol.stop_below_gain_percent is None], tell)
    for outcome in outcomes:
        if outcome.plan.protocol.stop_below_gain_percent is not None:
            _double_batches(outcome, outcome.plan.protocol.stop_below_gain_percent, tell)
    return outcomes


def make_record(outcome: Outcome, samples_file: str | None, samples_sha256: str | None) -> Record:
    """The record of one outcome."""
    plan = outcome.plan
    numbers = make_numbers(plan, outcome.results, samples_file, samples_sha256, outcome.ended)
    first = next(iter(outcome.results.values()))[0]
    return Record(
        campaign=plan.request.campaign,
        network=plan.network,
        protocol=ProtocolRef(id=plan.protocol.id, version=plan.protocol.version),
        dataset=None,
        seed=None,
        config=_config(plan, outcome.session),
        provenance=provenance(threads=first.threads),
        started_at=outcome.started_at,
        duration_s=round(outcome.seconds, 3),
        numbers=numbers,
    )


def save(outcome: Outcome, path: Path) -> Record:
    """Write the record to `path` and its raw samples beside it (.parquet). Neither may exist."""
    raw = path.with_suffix(".parquet")
    refuse_existing(path, raw)
    if find_spec("pyarrow") is None:  # in a source tree with nothing installed
        record = make_record(outcome, None, None)
        write_record(path, record)
        return record
    write_samples(raw, outcome.runs())
    try:
        record = make_record(outcome, raw.name, sha256_file(raw))
        write_record(path, record)
    except BaseException:
        raw.unlink(missing_ok=True)
        raise
    return record


def _take_turns(outcomes: Sequence[Outcome], tell: Tell) -> None:
    rounds = max((outcome.plan.protocol.processes for outcome in outcomes), default=0)
    for turn in range(rounds):
        for outcome in outcomes:
            for index, point in enumerate(outcome.plan.points):
                if turn < outcome.plan.protocol.processes and _wanted(outcome, index, turn):
                    _one(outcome, index, point, turn, tell)


def _wanted(outcome: Outcome, index: int, turn: int) -> bool:
    """Whether a point is still to be timed: not if its first process refused it or ran out of memory."""
    return outcome.refused is None and (turn == 0 or index in outcome.results)


def _one(outcome: Outcome, index: int, point: PlannedPoint, turn: int, tell: Tell) -> None:
    began = time.perf_counter()
    follow = _follower(outcome.plan, point, turn, tell)
    try:
        result = run_in_fresh_process(point.job, follow)
    except OutOfMemoryError as error:
        if not outcome.plan.protocol.sweeps or index == 0:
            raise
        outcome.ended = str(error)
        outcome.results.pop(index, None)
        return
    except UserError as error:
        if outcome.plan.request.by_name or outcome.results:
            raise
        outcome.refused = str(error)
        return
    outcome.seconds += time.perf_counter() - began
    outcome.results.setdefault(index, []).append(result)


def _double_batches(outcome: Outcome, least_gain: float, tell: Tell) -> None:
    """Time one point after the other until memory is short or a larger batch brings less than `least_gain` percent."""
    best = 0.0
    for index, point in enumerate(outcome.plan.points):
        for turn in range(outcome.plan.protocol.processes):
            if _wanted(outcome, index, turn):
                _one(outcome, index, point, turn, tell)
        if index not in outcome.results:
            return
        rate = images_per_second(point, outcome.results[index])
        if best and change_percent(best, rate) < least_gain:
            outcome.ended = f"batch {point.job.batch} brought {change_percent(best, rate):.1f} % over the best before"
            return
        best = max(best, rate)


def _follower(plan: Plan, point: PlannedPoint, turn: int, tell: Tell) -> Callable[[dict[str, Any]], None]:
    job = point.job
    title = (
        f"{job.subject.title} {job.height}x{job.width}x{job.batch} {job.engine} {job.precision} on {job.device}, "
        f"process {turn + 1} of {plan.protocol.processes}"
    )
    phase = "starting"

    def follow(event: dict[str, Any]) -> None:
        nonlocal phase
        if event["event"] == "phase":
            phase = event["name"]
            tell(f"{title}: {phase}")
        else:
            samples, median = event["samples"], event["median_ms"]
            tell(f"{title}: {phase}, {samples} samples, {median:.2f} ms, {event['elapsed_s']:.0f} s")

    tell(f"{title}: {phase}")
    return follow


def _config(plan: Plan, session: str) -> dict[str, Any]:
    job = plan.points[0].job.model_dump(mode="json", exclude={"batch", "height", "width", "warm_up", "length"})
    return {
        "session": session,
        "protocol": plan.protocol.model_dump(mode="json"),
        "job": job,
        "native_height": plan.request.height,
        "native_width": plan.request.width,
        "images": plan.request.images,
    }
