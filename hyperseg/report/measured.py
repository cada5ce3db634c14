"""Joins accuracy with time, for every network that was both scored and timed here.

Two numbers belong together where network, backbone, slices, classes and input size are the same. Trained values decide
no time, so a network may be trained on one machine and timed on another; :attr:`Measured.origin` says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from statistics import mean, stdev

from hyperseg.records import EvaluationNumbers, Interval, LatencyNumbers, Record
from hyperseg.report.collection import (
    Collection,
    Evaluation,
    Key,
    Latency,
    Training,
    architecture_key,
    protocol_of,
    protocol_title,
)
from hyperseg.report.names import device_title
from hyperseg.report.tables.accuracy import accuracy_rows
from hyperseg.report.tables.runtime import device_label
from hyperseg.report.timed_seeds import of_one_seed

EAGER, FASTEST = "eager", "fastest engine of each network"


@dataclass(frozen=True, order=True)
class Setting:
    """What comparable times share: machine, protocol and precision."""

    device: str  # as read, with the machine's fingerprint where two machines have a device of that name
    machine: str
    threads: int  # 0 where the device is no CPU
    protocol: tuple[str, int]
    precision: str
    smoke: bool

    @property
    def title(self) -> str:
        threads = f", {self.threads} thread{'s' if self.threads > 1 else ''}" if self.threads else ""
        return f"{self.device}{threads}, {protocol_title(self.protocol)}, {self.precision}"


@dataclass(frozen=True)
class Measured:
    """One network on one split under one way of scoring, with its times in one setting."""

    scored: tuple[Evaluation, ...]  # seeds
    setting: Setting
    times: tuple[Latency, ...]  # engines, none of them INVALID
    doubted: Latency | None  # an INVALID time below all others: the fastest engine is not known
    training: Training | None
    main_scoring: bool  # the scoring that figures draw against time

    @property
    def record(self) -> Record:
        return self.scored[0].record

    @property
    def engines(self) -> tuple[str, ...]:
        """How it may be compared with others."""
        return (*(() if self.doubted else (FASTEST,)), *((EAGER,) if self.eager else ()))

    @property
    def fastest(self) -> Latency:
        return min(self.times, key=lambda entry: (entry.numbers.median_ms, entry.numbers.engine))

    @property
    def eager(self) -> Latency | None:
        eager = [entry for entry in self.times if entry.numbers.engine == EAGER]
        return min(eager, key=lambda entry: entry.numbers.median_ms) if eager else None

    @cached_property
    def miou_percent(self) -> float:
        return mean(entry.numbers.miou_percent for entry in self.scored)

    @property
    def miou_span(self) -> tuple[float, float] | None:
        """Mean ± standard deviation over seeds; for one seed the record's own interval."""
        values = [entry.numbers.miou_percent for entry in self.scored]
        if len(values) > 1:
            return self.miou_percent - stdev(values), self.miou_percent + stdev(values)
        interval: Interval | None = self.scored[0].numbers.miou_interval
        return (interval.low, interval.high) if interval else None

    @property
    def origin(self) -> str:
        """Where the weights were trained and scored, if not on the device that was timed; else empty."""
        timed = self.fastest.record
        trained = _elsewhere(self.training.record, timed) if self.training else ""
        scored = _elsewhere(self.record, timed)
        if trained and trained == scored:
            return f"trained and scored on {trained}"
        return " and ".join(f"{what} on {where}" for what, where in (("trained", trained), ("scored", scored)) if where)


def measured(collection: Collection) -> list[Measured]:
    """Every network with an accuracy and a time at the same input size, in the order of the accuracy table.

    Times of the same campaign come first; where it timed nothing in a setting, those of another campaign count.
    Smoke runs, which enter no claim, may be of another size. Of latencies of several seeds the first one's counts.
    """
    timed = _by_architecture(collection)
    found = []
    for row in accuracy_rows(collection):
        protocols = {protocol_of(entry.record) for entry in row}
        main = max([protocol for protocol in protocols if protocol[0] == "standard"] or protocols)
        for protocol in sorted(protocols):
            scored = tuple(entry for entry in row if protocol_of(entry.record) == protocol)
            training = collection.training_of(scored[0].record.network.weights_sha256)
            times = timed.get(architecture_key(scored[0].record.network), {})
            for setting, engines in sorted(times.items()):
                fitting = sorted(_fitting(scored[0], engines), key=lambda entry: entry.numbers.median_ms)
                sound = tuple(entry for entry in fitting if _sound(entry.numbers))
                if sound:
                    doubted = None if _sound(fitting[0].numbers) else fitting[0]
                    found.append(Measured(scored, setting, sound, doubted, training, protocol == main))
    return found


def _fitting(scored: Evaluation, engines: list[Latency]) -> Iterator[Latency]:
    same = [entry for entry in engines if entry.numbers.smoke or _size(entry.numbers) == _size(scored.numbers)]
    own = [entry for entry in same if entry.record.campaign == scored.record.campaign]
    yield from own or (entry for entry in same if not entry.numbers.smoke)


def _sound(numbers: LatencyNumbers) -> bool:
    """Whether a figure may show the time: not an INVALID one, except of smoke runs, which enter no claim."""
    return numbers.smoke or numbers.verdict.verdict != "INVALID"


def _size(numbers: EvaluationNumbers | LatencyNumbers) -> tuple[int, int]:
    return numbers.input_height, numbers.input_width


def _by_architecture(collection: Collection) -> dict[Key, dict[Setting, list[Latency]]]:
    """Times of one image, no sweep."""
    found: dict[Key, dict[Setting, list[Latency]]] = {}
    for entry in of_one_seed(collection):
        numbers, provenance = entry.numbers, entry.record.provenance
        if numbers.batch == 1 and not numbers.points:
            setting = Setting(
                device_label(entry, collection),
                provenance.machine.fingerprint,
                provenance.threads if numbers.device == "cpu" else 0,
                protocol_of(entry.record),
                f"{numbers.precision} with TF32" if numbers.tf32 else numbers.precision,
                numbers.smoke,
            )
            networks = found.setdefault(architecture_key(entry.record.network), {})
            networks.setdefault(setting, []).append(entry)
    return found


def _elsewhere(record: Record, timed: Record) -> str:
    """The device on which a record was made, where another one was timed; else empty."""
    machine, device = record.provenance.machine, record.numbers.device
    if (machine.fingerprint, device) == (timed.provenance.machine.fingerprint, timed.numbers.device):
        return ""
    name, other = _device(record), _device(timed)
    return f"{name} ({machine.fingerprint})" if name == other else name


def _device(record: Record) -> str:
    """Of a machine with several kinds of GPU a record does not say which one it took."""
    machine = record.provenance.machine
    gpus = machine.gpus if record.numbers.device.startswith("cuda") else []
    return " or ".join(dict.fromkeys(map(device_title, gpus or [machine.cpu])))
