"""Accuracy against frames per second: which points stand in one panel.

A panel is one dataset, split and way of scoring, and one comparability class of times: the paper's GPU and framework;
the paper's GPU with another framework; one device, latency protocol and precision of ours; any other hardware. What was
measured here is kept apart by campaign as well, since a campaign is one schedule of training.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from hyperseg.report.collection import Key, dataset_key, network_key, protocol_of, protocol_title
from hyperseg.report.comparability import accuracy_differs, latency_differs, paper_row
from hyperseg.report.facts import PaperRow, PeerRow
from hyperseg.report.inputs import Inputs
from hyperseg.report.marks import Marks, evaluation_marks, titled
from hyperseg.report.measured import EAGER, FASTEST, Measured, measured
from hyperseg.report.names import hw, network_title
from hyperseg.report.panel import MEASURED, PAPER_SCORING, Panel, Point
from hyperseg.report.rivals import PAPER_GPU, PAPER_HARDWARE, hardware, scored_rivals, untimed


def panels(inputs: Inputs) -> list[Panel]:
    """Every panel with a point, by dataset, split and comparability class.

    A panel of one network measured here is left out where other panels compare several.
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
        # eager is every network's fastest engine: one panel is enough
        if not (engine == FASTEST and found and found[-1] == replace(panel, hardware=found[-1].hardware, engine=EAGER)):
            found.append(panel)
    compared = {(panel.dataset, panel.split) for panel in found if panel.kind == MEASURED and len(panel.networks) > 1}
    return [panel for panel in found if not (panel.alone and (panel.dataset, panel.split) in compared)]


def _told_apart(points: list[Point]) -> tuple[Point, ...]:
    """Two networks of one short name, such as one variant of two datasets, go by their full names.

    One network twice, such as with the weights of its training and with others, goes by what differs.
    """
    networks: dict[str, set[str]] = {}
    trained: dict[tuple[str, str], list[Marks]] = {}
    for point in points:
        networks.setdefault(point.name, set()).add(point.network)
        trained.setdefault((point.network, point.role), []).append(point.marks)
    named = []
    for point in points:
        name = network_title(point.network) if len(networks[point.name]) > 1 else point.name
        named.append(replace(point, name=titled(name, point.marks, trained[point.network, point.role])))
    return tuple(named)


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
    everything = measured(inputs.collection)
    trained = {_network(found) for found in everything if found.training}
    for found in everything:
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
        # a panel is one schedule of training: weights from elsewhere beside its own are in the tables alone
        if not found.training and _network(found) in trained:
            continue
        scoring = protocol_title(protocol_of(record))
        for engine in found.engines:
            place = (
                _home(dataset.id), inputs.collection.split_label(dataset), scoring, MEASURED, record.campaign,
                found.setting.title, engine, found.setting.smoke,
            )  # fmt: skip
            marks = evaluation_marks(found.scored[0], inputs.collection)
            yield place, replace(measured_point(found, engine), marks=marks)


def _network(found: Measured) -> Key:
    """A network of one campaign, on one split, in one setting."""
    return *dataset_key(found.scored[0]), found.record.campaign, *network_key(found.record.network), found.setting


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


def _home(dataset: str) -> str:
    """The paper's CamVid is the authors' reading of it: one id for both."""
    return "camvid" if dataset == "camvid_authors12" else dataset


def _short(network: str) -> str:
    """The title without the dataset that a variant was published for."""
    return re.sub(r" \([^)]*\)", "", network_title(network))
