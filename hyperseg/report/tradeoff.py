"""Accuracy against frames per second: panels of comparable points alone, their Pareto fronts and a sentence each.

A panel is one dataset, split and way of scoring, and one comparability class of times: the paper's GPU and framework;
the paper's GPU with another framework; one device, latency protocol and precision of ours; any other hardware. What was
measured here is kept apart by campaign as well, since a campaign is one schedule of training.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from hyperseg.report.collection import protocol_of, protocol_title
from hyperseg.report.comparability import accuracy_differs, latency_differs, paper_row
from hyperseg.report.facts import PaperRow, PeerRow
from hyperseg.report.inputs import Inputs
from hyperseg.report.measured import EAGER, FASTEST, Measured, measured
from hyperseg.report.names import dataset_title, hw, is_published_variant, network_title
from hyperseg.report.rivals import PAPER_GPU, PAPER_HARDWARE, VOID_COUNTED, hardware, scored_rivals, untimed

Span = tuple[float, float]
PAPER_SCORING = "as published"
_SEVERAL = 8  # networks of ours above which the front is said first, and of ours only the paper's five are followed
MEASURED = 2  # the kind of a panel of what was measured here


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
    origin: str = ""  # where the weights of a network measured here come from, if not from the timed device
    void: bool = False  # the paper's reading: Void is a class, which no rival's source says of its own
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
    campaign: str = ""
    setting: str = ""  # of times measured here, without the engine
    engine: str = ""

    @property
    def place(self) -> str:
        """Dataset, split and hardware as one phrase."""
        scoring = "" if self.scoring == PAPER_SCORING else f" (scored by {self.scoring})"
        return f"{dataset_title(self.dataset).split(',')[0]} {self.split}{scoring}, {self.hardware}"

    @property
    def alone(self) -> bool:
        """One network measured here, with which nothing can be compared."""
        return len(self.points) == 1 and self.kind == MEASURED and not self.smoke

    @property
    def front(self) -> tuple[Point, ...]:
        """The points that no other point dominates, the slowest first."""
        return pareto(self.points)

    @property
    def sentence(self) -> str:
        """What the panel shows, in one sentence from its numbers, and where the networks come from."""
        if self.smoke:
            return f"{self.place}: smoke runs show that timing works; nothing follows from them."
        if self.alone:
            return f"{self.place}: {self.points[0].numbers} alone, so nothing is compared."
        mine = [point for point in self.points if point.role in ("paper", "ours")]
        said = self._front_first(mine) if len(mine) > _SEVERAL else self._one_by_one(mine)
        if not said:
            said = [f"On {self.place}, the Pareto front is {_listed([point.numbers for point in self.front])}."]
        origins = sorted({point.origin for point in self.points if point.origin})
        if origins:
            said.append(f"The networks were {' or '.join(origins)}.")
        if {point.void for point in self.points} == {True, False}:
            said.append(f"{VOID_COUNTED[0].upper()}{VOID_COUNTED[1:]}.")
        return " ".join(said)

    def _one_by_one(self, mine: Sequence[Point]) -> list[str]:
        """Who dominates each of ours and of the paper's, and which are on the front, in one sentence."""
        behind: dict[tuple[Point, ...], list[Point]] = {}
        for point in mine:
            better = sorted((p for p in self.points if dominates(p, point)), key=_best_first)
            if better:
                behind.setdefault(tuple(better), []).append(point)
        said = [_dominate(better, points) for better, points in behind.items()]
        own = [point.name + _by(point) for point in self.front if point in mine]
        if own:
            said.append(f"{_listed(own)} {'is' if len(own) == 1 else 'are'} on the Pareto front")
        if said and len(mine) == len(self.points):
            said.append("there is no other method to compare with")
        return [f"On {self.place}, {'; '.join(said)}."] if said else []

    def _front_first(self, mine: Sequence[Point]) -> list[str]:
        """The front, then how many dominate each of the paper's networks that is not on it."""
        said = [f"On {self.place}, the Pareto front is {_listed([point.numbers for point in self.front])}."]
        behind = [
            f"{point.name} by {sum(dominates(other, point) for other in self.points)}"
            for point in mine
            if is_published_variant(point.network) and point not in self.front
        ]
        if behind:
            said.append(
                f"Of {len(self.points)} networks, {_listed(behind)} {'is' if len(behind) == 1 else 'are'} dominated."
            )
        return said


def pareto(points: Iterable[Point]) -> tuple[Point, ...]:
    """The points that no other one dominates, the slowest first."""
    found: list[Point] = []
    best = float("-inf")
    for _, group in groupby(sorted(points, key=lambda p: -p.fps), key=lambda p: p.fps):
        fastest = list(group)
        score = max(point.miou_percent for point in fastest)
        if score > best:
            found += [point for point in fastest if point.miou_percent == score]
            best = score
    return tuple(sorted(found, key=lambda p: (p.fps, p.name)))


def dominates(one: Point, other: Point) -> bool:
    """At least as accurate and as fast, and better in one of the two."""
    as_good = one.miou_percent >= other.miou_percent and one.fps >= other.fps
    return as_good and (one.miou_percent > other.miou_percent or one.fps > other.fps)


def frames(fps: float) -> str:
    return f"{fps:.0f}" if fps >= 100 else f"{fps:.3g}"


def panels(inputs: Inputs) -> list[Panel]:
    """Every panel with a point, by dataset, split and comparability class.

    Of what was measured here, a network with which nothing compares is left out where other panels compare several.
    """
    placed = [*_paper_points(inputs.paper), *_rival_points(inputs), *_own_points(inputs)]
    placed.sort(key=lambda item: item[0])
    found: list[Panel] = []
    for key, group in groupby(placed, key=lambda item: item[0]):
        dataset, split, scoring, kind, campaign, setting, engine, smoke = key
        name = f"{setting}, {engine}; campaign {campaign}" if campaign else setting
        points = [point for _, point in group]
        points.sort(key=lambda p: (p.role, p.network, p.fps, p.miou_percent))
        panel = Panel(dataset, split, scoring, name, kind, smoke, _told_apart(points), campaign, setting, engine)
        # eager is the fastest engine of every network: one panel says so
        if not (engine == FASTEST and found and found[-1] == replace(panel, hardware=found[-1].hardware, engine=EAGER)):
            found.append(panel)
    compared = {(panel.dataset, panel.split) for panel in found if panel.kind == MEASURED and len(panel.points) > 1}
    return [panel for panel in found if not (panel.alone and (panel.dataset, panel.split) in compared)]


def _told_apart(points: list[Point]) -> tuple[Point, ...]:
    """Two networks of one short name, such as one variant of two datasets, go by their full names."""
    networks: dict[str, set[str]] = {}
    for point in points:
        networks.setdefault(point.name, set()).add(point.network)
    return tuple(
        replace(point, name=network_title(point.network)) if len(networks[point.name]) > 1 else point
        for point in points
    )


# dataset, split, scoring, kind, campaign, hardware or setting, engine, smoke
Place = tuple[str, str, str, int, str, str, str, bool]


def _paper_points(paper: Sequence[PaperRow]) -> Iterable[tuple[Place, Point]]:
    for row in paper:
        if row.milliseconds is not None and row.gpu:
            place: Place = (_home(row.dataset), row.split, PAPER_SCORING, 0, "", PAPER_HARDWARE, "", False)
            detail = f"the paper's number; input {row.input_height}×{row.input_width}; {row.source}"
            fps = row.fps or 1000 / row.milliseconds
            void = row.conditions.void == "class"
            name, scored = _short(row.variant), row.miou_percent
            yield place, Point(name, row.variant, "paper", fps, scored, detail=detail, void=void)


def _rival_points(inputs: Inputs) -> Iterable[tuple[Place, Point]]:
    timed = {(_home(row.dataset), row.split) for row in inputs.paper if row.milliseconds is not None}
    for peer in scored_rivals(inputs.peers):
        if (peer.dataset, peer.split) in timed and not untimed(peer):
            kind = hardware(peer)
            column = 0 if kind == PAPER_HARDWARE else 1 if kind.startswith(PAPER_GPU) else 3
            assert peer.milliseconds is not None
            assert peer.miou_percent is not None
            place: Place = (peer.dataset, peer.split, PAPER_SCORING, column, "", kind, "", False)
            fps, detail = peer.fps or 1000 / peer.milliseconds, _rival_detail(peer)
            name = peer.method
            yield place, Point(name, name, "rival", fps, peer.miou_percent, hollow=peer.web_only, detail=detail)


def _rival_detail(peer: PeerRow) -> str:
    size = f"input {peer.input_height}×{peer.input_width}; " if peer.input_height else ""
    return f"{size}{'web page only; ' if peer.web_only else ''}{peer.source}"


def _own_points(inputs: Inputs) -> Iterable[tuple[Place, Point]]:
    for found in measured(inputs.collection):
        record, dataset = found.record, found.record.dataset
        if dataset is None:
            continue
        row = paper_row(inputs.paper, record.network.id, dataset.split)
        as_paper = row and found.eager and not latency_differs(found.eager, row)
        if row and as_paper and not accuracy_differs(found.scored[0], row, inputs.collection):
            place: Place = (_home(row.dataset), row.split, PAPER_SCORING, 0, "", PAPER_HARDWARE, "", False)
            yield place, replace(measured_point(found, EAGER), void=row.conditions.void == "class")
            continue
        # one way of scoring is enough to compare what was timed here; the paper's is for the paper's own panel
        if not found.main_scoring:
            continue
        scoring = protocol_title(protocol_of(record))
        for engine in found.engines:
            place = (
                _home(dataset.id), dataset.split, scoring, MEASURED, record.campaign, found.setting.title, engine,
                found.setting.smoke,
            )  # fmt: skip
            yield place, measured_point(found, engine)


def measured_point(found: Measured, engine: str) -> Point:
    """A network measured here, timed on its fastest engine or, where it was, in eager PyTorch."""
    timed = found.eager if engine == EAGER and found.eager else found.fastest
    record, numbers, source = found.record, timed.numbers, found.record.network.source
    speed, times = numbers.fps, numbers.median_interval
    size = hw(numbers.input_height, numbers.input_width)
    scored_at = hw(found.scored[0].numbers.input_height, found.scored[0].numbers.input_width)
    inputs = f"input {size}" if size == scored_at else f"scored at {scored_at}, timed at {size}"
    return Point(
        name=_short(record.network.id),
        network=record.network.id,
        role="ours" if source == "hyperseg" else "authors" if source == "authors" else "peer",
        fps=speed,
        miou_percent=found.miou_percent,
        fps_span=(speed * numbers.median_ms / times.high, speed * numbers.median_ms / times.low) if times else None,
        miou_span=found.miou_span,
        hollow=numbers.smoke or numbers.verdict.verdict != "VALID",
        detail=f"{inputs}; {numbers.engine}, {numbers.precision}; {numbers.verdict.verdict}; "
        f"backbone {record.network.backbone}; campaign {record.campaign}",
        origin=found.origin,
        records=(found.scored[0].anchor, timed.anchor),
    )


def _dominate(better: Sequence[Point], points: Sequence[Point]) -> str:
    """'A and B dominate C'. `better` are the best first; of more than five the first is named."""
    named = [p.numbers for p in better]
    if len(better) > 5:
        named = [f"{len(better)} networks, among them {better[0].numbers},"]
    verb = "dominates" if len(better) == 1 else "dominate"
    return f"{_listed(named)} {verb} {_listed([point.numbers + _by(point) for point in points])}"


def _best_first(point: Point) -> tuple[float, float, str]:
    return -point.miou_percent, -point.fps, point.name


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
