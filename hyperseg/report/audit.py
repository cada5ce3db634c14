"""The audit of the published code: findings shown beside the numbers they bear on, with both numbers where measured."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import TypeVar

from hyperseg.report.collection import (
    Collection,
    Evaluation,
    Key,
    Latency,
    accuracy_key,
    architecture_key,
    checkpoint,
    dataset_key,
    flips,
    normalization,
)
from hyperseg.report.names import dataset_title, network_title
from hyperseg.yaml_file import read_yaml

T = TypeVar("T")


@dataclass(frozen=True)
class Finding:
    number: int
    id: str
    short: str  # as a table refers to it
    title: str
    finding: str
    here: str  # what this project does about it
    published: str  # title of the first bar
    corrected: str  # title of the second bar
    measure: str  # a command that measures one or both
    unmeasured: str = "records of both ways"  # what is needed, if no record has such a pair

    @property
    def open(self) -> str:
        """Why there are no two numbers."""
        return f"No record of this pair yet. It takes {self.unmeasured}:"


@dataclass(frozen=True)
class Bars:
    """A finding's two numbers, from records."""

    unit: str
    published: float
    corrected: float
    where: str  # network, dataset and machine of the numbers
    records: tuple[str, ...]

    @property
    def difference(self) -> float:
        return self.corrected - self.published


@cache
def findings() -> tuple[Finding, ...]:
    """All findings, numbered in the order of ``audit.yaml``."""
    with as_file(files("hyperseg.report").joinpath("audit.yaml")) as path:
        entries = read_yaml(path, "audit")["findings"]
    return tuple(Finding(number=number, **entry) for number, entry in enumerate(entries, start=1))


def bars(collection: Collection) -> dict[str, Bars]:
    """Finding id -> its two numbers, for the findings that the records of `collection` measure."""
    found = {name: measure(collection) for name, measure in _MEASURES.items()}
    return {name: two for name, two in found.items() if two}


def _classes(collection: Collection) -> Bars | None:
    """The same weights scored over the authors' classes, Void included, and over the field's."""
    for paper, standard in _pairs(collection, lambda e: _protocol(e)):
        if len(paper.numbers.classes) == len(standard.numbers.classes) + 1:
            return _scores(paper, standard)
    return None


def _normalization(collection: Collection) -> Bars | None:
    """The same weights read with mean and deviation 0.5, and as they were trained."""
    return _same_weights(collection, normalization, _protocol, ("half", "imagenet"))


def _resize(collection: Collection) -> Bars | None:
    """The same weights scored against labels shrunk to the input, and at the labels' own size."""
    return _same_weights(collection, _protocol, normalization, ("selection", "standard"))


def _same_weights(
    collection: Collection, of: Callable[[Evaluation], str], fixed: Callable[[Evaluation], str], wanted: tuple[str, str]
) -> Bars | None:
    """Two evaluations of the same weights, data, classes and input that differ in what `of` gives, not in `fixed`."""
    groups: dict[Key, dict[str, Evaluation]] = {}
    for entry in collection.evaluation:
        if weights := entry.record.network.weights_sha256:
            size = entry.numbers.input_height, entry.numbers.input_width, len(entry.numbers.classes)
            groups.setdefault((*dataset_key(entry), weights, *size, fixed(entry)), {})[of(entry)] = entry
    for pair in _by_key(groups):
        if set(wanted) <= set(pair):
            return _scores(pair[wanted[0]], pair[wanted[1]])
    return None


def _flip(collection: Collection) -> Bars | None:
    """The same weights without a flip, which is what the authors' flip comes to, and with one that acts."""
    return _same_weights(
        collection, lambda e: str(flips(e)), lambda e: f"{_protocol(e)} {normalization(e)}", ("False", "True")
    )


def _absent(collection: Collection) -> Bars | None:
    """One confusion matrix whose absent classes count 0, or are left out; equal where every class is found."""
    best: tuple[int, Bars] | None = None
    for entry in sorted(collection.evaluation, key=lambda e: (_generated(e), _protocol(e))):
        ious = [item.iou_percent for item in entry.numbers.classes]
        there = [iou for iou in ious if iou is not None]
        absent = len(ious) - len(there)
        if there and (best is None or absent > best[0]):
            found = (
                f"{absent} of its {len(ious)} classes absent" if absent else "no class absent, as in every record here"
            )
            zero, left_out = sum(there) / len(ious), sum(there) / len(there)
            best = absent, Bars("mIoU points", zero, left_out, f"{_where(entry)}, {found}", (entry.anchor,))
    return best[1] if best else None


def _selection(collection: Collection) -> Bars | None:
    """The checkpoint that was best on the reported split, and the last one of the same recipe."""
    groups: dict[Key, dict[str, Evaluation]] = {}
    for entry in collection.evaluation:
        network, campaign, seed = entry.record.network, entry.record.campaign, entry.record.seed
        key = (*dataset_key(entry), _protocol(entry), network.id, network.backbone, campaign, seed)
        chosen = checkpoint(entry, collection)
        groups.setdefault(key, {})["reported" if chosen == f"best on {dataset_key(entry)[1]}" else chosen] = entry
    for by_checkpoint in _by_key(groups):
        best = by_checkpoint.get("reported")
        if best and "last" in by_checkpoint:
            return _scores(best, by_checkpoint["last"])
    return _last_is_best(collection)


def _last_is_best(collection: Collection) -> Bars | None:
    """One score, of weights that a training with either choice of the checkpoint has kept."""
    choices: dict[str, set[str]] = {}
    for training in collection.training:
        numbers = training.numbers
        chosen = "last" if numbers.selection == "last" else str(numbers.selection_split)
        choices.setdefault(training.record.network.weights_sha256 or "", set()).add(chosen)
    for entry in collection.evaluation:
        if {"last", dataset_key(entry)[1]} <= choices.get(entry.record.network.weights_sha256 or "", set()):
            score = entry.numbers.miou_percent
            where = f"{_where(entry)}, where the last epoch was the best on the reported split too"
            return Bars("mIoU points", score, score, where, (entry.anchor,))
    return None


def _dead_path(collection: Collection) -> Bars | None:
    for released, described in _pairs(collection, lambda e: e.record.network.slices or "", ("released", "described")):
        return _scores(released, described)
    return None


def _seed(collection: Collection) -> Bars | None:
    """The lowest and the highest of several seeds."""
    groups: dict[Key, list[Evaluation]] = {}
    for entry in collection.evaluation:
        groups.setdefault((*accuracy_key(entry, collection), _protocol(entry)), []).append(entry)
    several = [group for group in _by_key(groups) if len({e.record.seed for e in group}) > 2]
    if not several:
        return None
    ordered = sorted(several[0], key=lambda entry: entry.numbers.miou_percent)
    return _scores(ordered[0], ordered[-1])


def _clock(collection: Collection) -> Bars | None:
    """One network and engine under the authors' clock and under one that ends with the label map, in one campaign."""
    groups: dict[Key, dict[str, Latency]] = {}
    for entry in collection.latency:
        numbers = entry.numbers
        if numbers.smoke or numbers.verdict.verdict == "INVALID" or numbers.points:
            continue
        key = (
            entry.record.provenance.machine.fingerprint, entry.record.campaign, numbers.engine, numbers.precision,
            numbers.device_name, numbers.input_height, numbers.batch, *architecture_key(entry.record.network),
        )  # fmt: skip
        groups.setdefault(key, {})[_protocol(entry)] = entry
    pairs = [pair for pair in _by_key(groups) if {"paper", "deploy"} <= set(pair)]
    if not pairs:
        return None
    pair = min(pairs, key=lambda pair: pair["paper"].numbers.device != "cuda")  # a CPU has no copy to time
    one, other = pair["paper"], pair["deploy"]
    where = f"{network_title(one.record.network.id)}, {one.numbers.device_name}, {one.numbers.engine}"
    if one.numbers.device == "cpu":
        where += ", which has nothing to copy"
    if doubted := sorted({e.numbers.verdict.verdict for e in (one, other)} - {"VALID"}):
        where += f", {doubted[0]}"
    spans = [e.numbers.median_interval for e in (one, other)]
    if spans[0] and spans[1] and spans[0].low <= spans[1].high and spans[1].low <= spans[0].high:
        where += ", and the intervals of the two overlap"
    return Bars("ms", one.numbers.median_ms, other.numbers.median_ms, where, (one.anchor, other.anchor))


_MEASURES: dict[str, Callable[[Collection], Bars | None]] = {
    "selection": _selection,
    "classes": _classes,
    "clock": _clock,
    "voc_normalization": _normalization,
    "resize": _resize,
    "absent": _absent,
    "seed": _seed,
    "flip": _flip,
    "dead_path": _dead_path,
}


def _by_key(groups: Mapping[Key, T]) -> list[T]:
    """Sorted by their keys, whose parts may have several types."""
    return [groups[key] for key in sorted(groups, key=str)]


def _pairs(
    collection: Collection, of: Callable[[Evaluation], str], wanted: tuple[str, str] = ("paper", "standard")
) -> list[tuple[Evaluation, Evaluation]]:
    """Evaluations that agree in everything but what `of` gives: the two wanted values, side by side."""
    groups: dict[Key, dict[str, Evaluation]] = {}
    for entry in collection.evaluation:
        network = entry.record.network
        slices = "" if wanted[0] == "released" else network.weights_sha256 or ""
        protocol = _protocol(entry) if wanted[0] == "released" else ""
        name = network.id.removesuffix("_described") if wanted[0] == "released" else network.id
        key = (*dataset_key(entry), protocol, slices, name, network.backbone, entry.record.campaign)
        groups.setdefault((*key, str(entry.record.seed)), {})[of(entry)] = entry
    both = [pair for pair in _by_key(groups) if set(wanted) <= set(pair)]
    both.sort(key=lambda pair: _generated(pair[wanted[0]]))
    return [(pair[wanted[0]], pair[wanted[1]]) for pair in both]


def _generated(entry: Evaluation) -> bool:
    """Sorts real images before generated ones."""
    return entry.record.dataset is not None and entry.record.dataset.id == "streets"


def _scores(one: Evaluation, other: Evaluation) -> Bars:
    records = (one.anchor, other.anchor)
    return Bars("mIoU points", one.numbers.miou_percent, other.numbers.miou_percent, _where(one), records)


def _where(entry: Evaluation) -> str:
    dataset = entry.record.dataset
    place = f", {dataset_title(dataset.id)} {dataset.split}" if dataset else ""
    return network_title(entry.record.network.id) + place


def _protocol(entry: Evaluation | Latency) -> str:
    return entry.record.protocol.id if entry.record.protocol else ""
