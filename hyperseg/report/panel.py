"""A panel of comparable points: its Pareto front, and a sentence about it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from hyperseg.report.marks import Marks
from hyperseg.report.names import dataset_title, is_published_variant, listed
from hyperseg.report.rivals import VOID_COUNTED

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
    marks: Marks = ()  # of a network measured here: what tells it from another training of the same network

    @property
    def numbers(self) -> str:
        return f"{self.name} ({self.miou_percent:.1f} %, {frames(self.fps)} FPS)"


@dataclass(frozen=True)
class Panel:
    """Points that are comparable in both accuracy and speed."""

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
    def networks(self) -> set[tuple[str, str]]:
        """Each network and whose it is, once whatever its weights."""
        return {(point.network, point.role) for point in self.points}

    @property
    def alone(self) -> bool:
        """One network measured here, with any weights, that nothing else can be compared with."""
        return len(self.networks) == 1 and self.kind == MEASURED and not self.smoke

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
            names = listed([point.numbers for point in self.points])
            return f"{self.place}: {names} alone, so nothing is compared."
        mine = [point for point in self.points if point.role in ("paper", "ours")]
        said = self._front_first(mine) if len(mine) > _SEVERAL else self._one_by_one(mine)
        if not said:
            said = [f"On {self.place}, the Pareto front is {listed([point.numbers for point in self.front])}."]
        origins = Counter(point.origin for point in self.points if point.origin)
        if origins:
            said.append(f"{listed([self._those(origins[name], name) for name in sorted(origins)])}.")
        if {point.void for point in self.points} == {True, False}:
            said.append(f"{VOID_COUNTED[0].upper()}{VOID_COUNTED[1:]}.")
        return " ".join(said)

    def _those(self, number: int, origin: str) -> str:
        """How many of the networks come from elsewhere; the others are from the timed device."""
        which = "The networks were" if number == len(self.points) else f"{number} of {len(self.points)} networks were"
        return f"{which} {origin}"

    def _one_by_one(self, mine: Sequence[Point]) -> list[str]:
        """Who dominates each of ours and of the paper's, and which are on the front, in one sentence."""
        behind: dict[tuple[Point, ...], list[Point]] = {}
        for point in mine:
            # the same network with other weights takes the same time, so nothing is compared
            others = [p for p in self.points if (p.network, p.role) != (point.network, point.role)]
            better = sorted((p for p in others if dominates(p, point)), key=_best_first)
            if better:
                behind.setdefault(tuple(better), []).append(point)
        said = [_dominate(better, points) for better, points in behind.items()]
        own = [point.name + _by(point) for point in self.front if point in mine]
        if own:
            said.append(f"{listed(own)} {'is' if len(own) == 1 else 'are'} on the Pareto front")
        if said and len(mine) == len(self.points):
            said.append("there is no other method to compare with")
        return [f"On {self.place}, {'; '.join(said)}."] if said else []

    def _front_first(self, mine: Sequence[Point]) -> list[str]:
        """The front, then how many dominate each of the paper's networks that is not on it."""
        said = [f"On {self.place}, the Pareto front is {listed([point.numbers for point in self.front])}."]
        behind = [
            f"{point.name} by {sum(dominates(other, point) for other in self.points)}"
            for point in mine
            if is_published_variant(point.network) and point not in self.front
        ]
        if behind:
            said.append(
                f"Of {len(self.points)} networks, {listed(behind)} {'is' if len(behind) == 1 else 'are'} dominated."
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
    """At least as accurate and as fast, and better in one of the two (Pareto dominance)."""
    as_good = one.miou_percent >= other.miou_percent and one.fps >= other.fps
    return as_good and (one.miou_percent > other.miou_percent or one.fps > other.fps)


def frames(fps: float) -> str:
    return f"{fps:.0f}" if fps >= 100 else f"{fps:.3g}"


def _dominate(better: Sequence[Point], points: Sequence[Point]) -> str:
    """'A and B dominate C'. `better` are the best first; of more than five the first is named."""
    named = [p.numbers for p in better]
    if len(better) > 5:
        named = [f"{len(better)} networks, among them {better[0].numbers},"]
    verb = "dominates" if len(better) == 1 else "dominate"
    return f"{listed(named)} {verb} {listed([point.numbers + _by(point) for point in points])}"


def _best_first(point: Point) -> tuple[float, float, str]:
    return -point.miou_percent, -point.fps, point.name


def _by(point: Point) -> str:
    return " as published" if point.role == "paper" else ""
