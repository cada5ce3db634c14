"""Accuracy against frames per second: panels of comparable points alone, their Pareto fronts and a sentence each.

A panel is one dataset, split and way of scoring, and one comparability class of times: the paper's GPU and framework;
the paper's GPU with another framework; one device, latency protocol and precision of ours; any other hardware. What was
measured here is kept apart by campaign as well, since a campaign is one schedule of training.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import mean, stdev

from hyperseg.records import EvaluationNumbers, LatencyNumbers
from hyperseg.report.collection import Collection, Entry, Key, architecture_key, protocol_of, protocol_title
from hyperseg.report.comparability import accuracy_differs, latency_differs, paper_row
from hyperseg.report.facts import PaperRow, PeerRow
from hyperseg.report.inputs import Inputs
from hyperseg.report.names import dataset_title, device_title, network_title
from hyperseg.report.rivals import PAPER_GPU, PAPER_HARDWARE, hardware, scored_rivals, untimed
from hyperseg.report.tables.accuracy import accuracy_rows

Evaluation = Entry[EvaluationNumbers]
Latency = Entry[LatencyNumbers]
Span = tuple[float, float]
PAPER_SCORING = "as published"
_SEVERAL = 8  # networks of ours above which a sentence names the front alone
MEASURED = 2  # the kind of a panel of what was measured here
EAGER, FASTEST = "eager", "fastest engine of each network"


@dataclass(frozen=True)
class Point:
    """One network in one panel."""

    name: str
    network: str  # id; joins the paper's point and ours
    role: str  # 'paper', 'ours', 'authors', 'peer' (another network, measured here) or 'rival' (as published)
    fps: float
    miou_percent: float
    fps_span: Span | None = None
    miou_span: Span | None = None
    hollow: bool = False  # DEGRADED, smoke, or known from a web page only
    detail: str = ""  # what a reader asks about a point: input, engine, protocol, source
    records: tuple[str, ...] = ()

    @property
    def numbers(self) -> str:
        return f"{self.name} ({self.miou_percent:.1f} %, {frames(self.fps)} FPS)"


@dataclass(frozen=True)
class Panel:
    """Points that may be compared with each other in both directions."""

    dataset: str
    split: str
    scoring: str
    hardware: str
    kind: int  # column of the figure: 0 the paper's hardware, 1 its GPU otherwise, 2 measured here, 3 other hardware
    smoke: bool
    points: tuple[Point, ...]

    @property
    def place(self) -> str:
        """Dataset, split and hardware as one phrase."""
        scoring = "" if self.scoring == PAPER_SCORING else f" (scored by {self.scoring})"
        return f"{dataset_title(self.dataset).split(',')[0]} {self.split}{scoring}, {self.hardware}"

    @property
    def front(self) -> tuple[Point, ...]:
        """The points that no other point dominates, the slowest first."""
        found: list[Point] = []
        best = float("-inf")
        for _, group in groupby(sorted(self.points, key=lambda p: -p.fps), key=lambda p: p.fps):
            fastest = list(group)
            score = max(point.miou_percent for point in fastest)
            if score > best:
                found += [point for point in fastest if point.miou_percent == score]
                best = score
        return tuple(sorted(found, key=lambda p: (p.fps, p.name)))

    @property
    def sentence(self) -> str:
        """What the panel shows, in one or two sentences, from its numbers."""
        if self.smoke:
            return f"{self.place}: smoke runs show that timing works; nothing follows from them."
        if len(self.points) == 1 and self.kind == MEASURED:
            return f"{self.place}: {self.points[0].numbers} alone, so nothing is compared."
        mine = [point for point in self.points if point.role in ("paper", "ours")]
        said = [_dominated(self, point) for point in mine] if len(mine) <= _SEVERAL else []
        said = [sentence for sentence in said if sentence]
        own = [point.name + _by(point) for point in self.front if point.role in ("paper", "ours")]
        if own and len(mine) <= _SEVERAL:
            verb = "is" if len(own) == 1 else "are"
            said.append(f"{'On' if not said else 'There,'} {self.place + ', ' if not said else ''}"
                        f"{_listed(own)} {verb} on the Pareto front.")  # fmt: skip
        if not said:
            said.append(f"On {self.place}, the Pareto front is {_listed([point.numbers for point in self.front])}.")
        return " ".join(said)


def dominates(one: Point, other: Point) -> bool:
    """At least as accurate and as fast, and better in one of the two."""
    as_good = one.miou_percent >= other.miou_percent and one.fps >= other.fps
    return as_good and (one.miou_percent > other.miou_percent or one.fps > other.fps)


def frames(fps: float) -> str:
    return f"{fps:.0f}" if fps >= 100 else f"{fps:.3g}"


def panels(inputs: Inputs) -> list[Panel]:
    """Every panel with a point, by dataset, split and comparability class."""
    placed = [*_paper_points(inputs.paper), *_rival_points(inputs), *_own_points(inputs)]
    placed.sort(key=lambda item: item[0])
    found: list[Panel] = []
    for key, group in groupby(placed, key=lambda item: item[0]):
        dataset, split, scoring, kind, _, name, smoke = key
        points = [point for _, point in group]
        points.sort(key=lambda p: (p.role, p.network, p.fps, p.miou_percent))
        panel = Panel(dataset, split, scoring, name, kind, smoke, _told_apart(points))
        # eager is the fastest engine of every network: one panel says so
        if not (found and found[-1].points == panel.points and name == found[-1].hardware.replace(EAGER, FASTEST)):
            found.append(panel)
    return found


def _told_apart(points: list[Point]) -> tuple[Point, ...]:
    """Two networks of one short name, such as one variant of two datasets, go by their full names."""
    networks: dict[str, set[str]] = {}
    for point in points:
        networks.setdefault(point.name, set()).add(point.network)
    return tuple(
        replace(point, name=network_title(point.network)) if len(networks[point.name]) > 1 else point
        for point in points
    )


Place = tuple[str, str, str, int, str, str, bool]  # dataset, split, scoring, kind, campaign, hardware, smoke


def _paper_points(paper: Sequence[PaperRow]) -> Iterable[tuple[Place, Point]]:
    for row in paper:
        if row.milliseconds is not None and row.gpu:
            place: Place = (_home(row.dataset), row.split, PAPER_SCORING, 0, "", PAPER_HARDWARE, False)
            detail = f"the paper's number; input {row.input_height}×{row.input_width}; {row.source}"
            fps = row.fps or 1000 / row.milliseconds
            yield place, Point(_short(row.variant), row.variant, "paper", fps, row.miou_percent, detail=detail)


def _rival_points(inputs: Inputs) -> Iterable[tuple[Place, Point]]:
    timed = {(_home(row.dataset), row.split) for row in inputs.paper if row.milliseconds is not None}
    for peer in scored_rivals(inputs.peers):
        if (peer.dataset, peer.split) in timed and not untimed(peer):
            kind = hardware(peer)
            column = 0 if kind == PAPER_HARDWARE else 1 if kind.startswith(PAPER_GPU) else 3
            assert peer.milliseconds is not None
            assert peer.miou_percent is not None
            place: Place = (peer.dataset, peer.split, PAPER_SCORING, column, "", kind, False)
            fps, detail = peer.fps or 1000 / peer.milliseconds, _rival_detail(peer)
            name = peer.method
            yield place, Point(name, name, "rival", fps, peer.miou_percent, hollow=peer.web_only, detail=detail)


def _rival_detail(peer: PeerRow) -> str:
    size = f"input {peer.input_height}×{peer.input_width}; " if peer.input_height else ""
    return f"{size}{'web page only; ' if peer.web_only else ''}{peer.source}"


def _own_points(inputs: Inputs) -> Iterable[tuple[Place, Point]]:
    latencies = _by_architecture(inputs.collection)
    for row in accuracy_rows(inputs.collection):
        protocols = {protocol_of(entry.record) for entry in row}
        # one way of scoring is enough to compare what was timed here; the paper's is for the paper's own panel
        for protocol in sorted(protocols):
            scored = [entry for entry in row if protocol_of(entry.record) == protocol]
            network, campaign = scored[0].record.network, scored[0].record.campaign
            timed = latencies.get(architecture_key(network), [])
            own = [entry for entry in timed if entry.record.campaign == campaign]
            timed = own or [entry for entry in timed if _size(entry.numbers) == _size(scored[0].numbers)]
            for times in _settings(timed):
                yield from _measured(scored, times, inputs, first=protocol == _first(protocols))


def _size(numbers: EvaluationNumbers | LatencyNumbers) -> tuple[int, int]:
    return numbers.input_height, numbers.input_width


def _by_architecture(collection: Collection) -> dict[Key, list[Latency]]:
    found: dict[Key, list[Latency]] = {}
    for entry in collection.latency:
        numbers = entry.numbers
        if numbers.batch == 1 and not numbers.points and (numbers.smoke or numbers.verdict.verdict != "INVALID"):
            found.setdefault(architecture_key(entry.record.network), []).append(entry)
    return found


def _settings(timed: list[Latency]) -> list[list[Latency]]:
    """Latencies of one network by machine, device, protocol, precision: times that one panel may hold."""
    groups: dict[tuple[object, ...], list[Latency]] = {}
    for entry in timed:
        numbers, machine = entry.numbers, entry.record.provenance.machine.fingerprint
        key = (machine, numbers.device_name, protocol_of(entry.record), numbers.precision, numbers.tf32, numbers.smoke)
        groups.setdefault(key, []).append(entry)
    return [groups[key] for key in sorted(groups, key=str)]


def _first(protocols: set[tuple[str, int]]) -> tuple[str, int]:
    standard = [protocol for protocol in protocols if protocol[0] == "standard"]
    return max(standard or protocols)


def _measured(
    scored: list[Evaluation], times: list[Latency], inputs: Inputs, *, first: bool
) -> Iterable[tuple[Place, Point]]:
    """The fastest engine of one setting; eager too, in a panel of its own, where another engine is faster."""
    record, dataset = scored[0].record, scored[0].record.dataset
    if dataset is None:
        return
    fastest = min(times, key=lambda entry: (entry.numbers.median_ms, entry.numbers.engine))
    eager = [entry for entry in times if entry.numbers.engine == "eager"]
    row = paper_row(inputs.paper, record.network.id, dataset.split)
    as_paper = [e for e in eager if row and not latency_differs(e, row)]
    if row and as_paper and not accuracy_differs(scored[0], row, inputs.collection):
        place: Place = (_home(row.dataset), row.split, PAPER_SCORING, 0, "", PAPER_HARDWARE, False)
        yield place, _own(scored, as_paper[0])
        return
    if not first:
        return
    for entry, engine in ((fastest, FASTEST), *((e, EAGER) for e in eager)):
        numbers = entry.numbers
        precision = f"{numbers.precision} with TF32" if numbers.tf32 else numbers.precision
        protocol, campaign = protocol_title(protocol_of(entry.record)), record.campaign
        name = f"{device_title(numbers.device_name)}, {protocol}, {precision}, {engine}; campaign {campaign}"
        scoring = protocol_title(protocol_of(record))
        place = (_home(dataset.id), dataset.split, scoring, MEASURED, campaign, name, numbers.smoke)
        yield place, _own(scored, entry)


def _own(scored: list[Evaluation], timed: Latency) -> Point:
    record, numbers = scored[0].record, timed.numbers
    values = [entry.numbers.miou_percent for entry in scored]
    average, interval = mean(values), scored[0].numbers.miou_interval
    span = (average - stdev(values), average + stdev(values)) if len(values) > 1 else None
    if span is None and interval:
        span = (interval.low, interval.high)
    speed, times = numbers.fps, numbers.median_interval
    size = f"{numbers.input_height}×{numbers.input_width}"
    scored_at = f"{scored[0].numbers.input_height}×{scored[0].numbers.input_width}"
    inputs = f"input {size}" if size == scored_at else f"scored at {scored_at}, timed at {size}"
    return Point(
        name=_short(record.network.id),
        network=record.network.id,
        role="ours"
        if record.network.source == "hyperseg"
        else "authors"
        if record.network.source == "authors"
        else "peer",
        fps=speed,
        miou_percent=average,
        fps_span=(speed * numbers.median_ms / times.high, speed * numbers.median_ms / times.low) if times else None,
        miou_span=span,
        hollow=numbers.smoke or numbers.verdict.verdict != "VALID",
        detail=f"{inputs}; {numbers.engine}, {numbers.precision}; {numbers.verdict.verdict}; "
        f"backbone {record.network.backbone}; campaign {record.campaign}",
        records=(scored[0].anchor, timed.anchor),
    )


def _dominated(panel: Panel, point: Point) -> str:
    better = sorted((p for p in panel.points if dominates(p, point)), key=lambda p: (-p.miou_percent, -p.fps, p.name))
    if not better:
        return ""
    named = (
        [f"{len(better)} networks, among them {better[0].numbers},"] if len(better) > 5 else [p.numbers for p in better]
    )
    verb = "dominates" if len(better) == 1 else "dominate"
    return f"On {panel.place}, {_listed(named)} {verb} {point.numbers}{_by(point)}."


def _by(point: Point) -> str:
    return " as published" if point.role == "paper" else ""


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _home(dataset: str) -> str:
    """The paper's CamVid is the authors' reading of it: one id for both."""
    return "camvid" if dataset == "camvid_authors12" else dataset


def _short(network: str) -> str:
    """The title without the dataset that a variant was published for."""
    return re.sub(r" \([^)]*\)", "", network_title(network))
