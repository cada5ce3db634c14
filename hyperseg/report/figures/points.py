"""What the accuracy-vs-runtime figure shows: panels that share a dataset and a protocol, series that share hardware."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import mean, stdev

from hyperseg.records import EvaluationNumbers, LatencyNumbers
from hyperseg.report.collection import Collection, Entry, architecture_key, protocol_of, protocol_title
from hyperseg.report.comparability import paper_dataset
from hyperseg.report.facts import PaperRow
from hyperseg.report.names import dataset_title, device_title, network_title
from hyperseg.report.tables.accuracy import accuracy_rows

Evaluation = Entry[EvaluationNumbers]
Latency = Entry[LatencyNumbers]
_LATENCY_PREFERENCE = ("deploy", "paper")  # then any other protocol, a smoke run last


@dataclass(frozen=True, order=True)
class Series:
    """Points that may be compared in time: one machine, device, protocol and precision."""

    smoke: bool
    hardware: str
    machine: str
    protocol: str
    precision: str

    @property
    def of_paper(self) -> bool:
        return not self.machine


@dataclass(frozen=True)
class Point:
    network: str
    series: Series
    milliseconds: float
    miou_percent: float
    spread: tuple[float, float] | None  # low and high of the mIoU, in percent
    engine: str
    solid: bool  # False: DEGRADED or smoke, drawn hollow
    same_input: bool  # scored and timed at the same input size


@dataclass(frozen=True)
class Panel:
    """One dataset, split and evaluation protocol: the only numbers that may share a mIoU axis."""

    dataset: str
    split: str
    protocol: str
    points: tuple[Point, ...] = field(default=())

    @property
    def title(self) -> str:
        return dataset_title(self.dataset)

    @property
    def subtitle(self) -> str:
        if all(point.series.of_paper for point in self.points):
            return f"{self.split}; the paper's own numbers"
        return f"{self.split}; evaluation protocol {self.protocol}"


def panels(collection: Collection, paper: Sequence[PaperRow]) -> list[Panel]:
    """Our panels first, then those that hold the paper's points alone; panels without a timed point are left out."""
    protocols = _chosen_protocols(collection, paper)
    found: dict[tuple[str, str, str], list[Point]] = {}
    for row in accuracy_rows(collection):
        dataset = row[0].record.dataset
        if dataset is None:
            continue
        chosen = protocols[dataset.id]
        scored = [entry for entry in row if protocol_of(entry.record) == chosen]
        if scored:
            key = (dataset.id, dataset.split, protocol_title(chosen))
            found.setdefault(key, []).extend(_points(scored, collection))
    found = {key: points for key, points in found.items() if points}
    for (dataset_id, split), rows in _paper_groups(paper).items():
        own = next((k for k in found if k[:2] == (dataset_id, split) and k[2].startswith("paper ")), None)
        found.setdefault(own or (dataset_id, split, "the paper's"), []).extend(map(_paper_point, rows))
    return [Panel(*key, tuple(points)) for key, points in found.items()]


def left_out(collection: Collection) -> int:
    """How many latencies are INVALID and therefore not drawn."""
    return sum(e.numbers.verdict.verdict == "INVALID" and not e.numbers.smoke for e in collection.latency)


def _chosen_protocols(collection: Collection, paper: Sequence[PaperRow]) -> dict[str, tuple[str, int]]:
    """Per dataset the paper's protocol where the paper scored on it, else the field's custom."""
    published = {paper_dataset(row) for row in paper}
    chosen = {}
    for dataset in {entry.record.dataset.id for entry in collection.evaluation if entry.record.dataset}:
        there = [protocol_of(e.record) for e in collection.evaluation if e.record.dataset and _dataset(e) == dataset]
        wanted = ("paper", "standard") if dataset in published else ("standard", "paper")
        chosen[dataset] = max(there, key=lambda p: (p[0] == wanted[0], p[0] == wanted[1], p[1], p[0]))
    return chosen


def _dataset(entry: Evaluation) -> str:
    return entry.record.dataset.id if entry.record.dataset else ""


def _points(scored: list[Evaluation], collection: Collection) -> list[Point]:
    network, campaign = scored[0].record.network, scored[0].record.campaign
    values = [entry.numbers.miou_percent for entry in scored]
    average, interval = mean(values), scored[0].numbers.miou_interval
    spread = None
    if len(values) > 1:
        spread = (average - stdev(values), average + stdev(values))
    elif interval:
        spread = (interval.low, interval.high)
    timed = [e for e in collection.latency if architecture_key(e.record.network) == architecture_key(network)]
    timed = [entry for entry in timed if entry.record.campaign == campaign] or timed
    return [
        Point(
            network=network_title(network.id),
            series=_series(entry),
            milliseconds=entry.numbers.median_ms,
            miou_percent=average,
            spread=spread,
            engine=entry.numbers.engine,
            solid=entry.numbers.verdict.verdict == "VALID" and not entry.numbers.smoke,
            same_input=_input(entry.numbers) == _input(scored[0].numbers),
        )
        for entry in _best(timed)
    ]


def _input(numbers: EvaluationNumbers | LatencyNumbers) -> tuple[int, int]:
    return numbers.input_height, numbers.input_width


def _best(timed: list[Latency]) -> list[Latency]:
    """Per machine, device and precision: the preferred protocol's fastest engine at batch 1."""
    groups: dict[tuple[str, str, str], list[Latency]] = {}
    for entry in timed:
        numbers = entry.numbers
        # a smoke run is drawn hollow whatever its verdict: it enters no claim anyway
        if numbers.batch == 1 and (numbers.smoke or numbers.verdict.verdict != "INVALID"):
            key = (entry.record.provenance.machine.fingerprint, numbers.device_name, numbers.precision)
            groups.setdefault(key, []).append(entry)
    return [min(group, key=_preference) for _, group in sorted(groups.items())]


def _preference(entry: Latency) -> tuple[bool, int, float]:
    protocol = protocol_of(entry.record)[0]
    known = _LATENCY_PREFERENCE.index(protocol) if protocol in _LATENCY_PREFERENCE else len(_LATENCY_PREFERENCE)
    return entry.numbers.smoke, known, entry.numbers.median_ms


def _series(entry: Latency) -> Series:
    numbers, machine = entry.numbers, entry.record.provenance.machine
    precision = f"{numbers.precision} with TF32" if numbers.tf32 else numbers.precision
    title = protocol_title(protocol_of(entry.record))
    return Series(numbers.smoke, device_title(numbers.device_name), machine.fingerprint, title, precision)


def _paper_groups(paper: Sequence[PaperRow]) -> dict[tuple[str, str], list[PaperRow]]:
    groups: dict[tuple[str, str], list[PaperRow]] = {}
    for row in paper:
        if row.milliseconds is not None:
            groups.setdefault((paper_dataset(row), row.split), []).append(row)
    # of several splits of one dataset, the one with most rows: the same network is drawn once
    largest = {
        dataset: max((len(rows), split) for (other, split), rows in groups.items() if other == dataset)[1]
        for dataset, _ in groups
    }
    return {key: rows for key, rows in sorted(groups.items()) if largest[key[0]] == key[1]}


def _paper_point(row: PaperRow) -> Point:
    assert row.milliseconds is not None
    series = Series(False, row.gpu or "hardware not stated", "", "authors' script", "float32")
    return Point(network_title(row.variant), series, row.milliseconds, row.miou_percent, None, "eager", True, True)
