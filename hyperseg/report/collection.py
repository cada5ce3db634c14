"""The records of one report, named, hashed, ordered, and checked for two records that claim the same cell."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, Generic, TypeVar

import pandas as pd

from hyperseg.errors import UserError
from hyperseg.files import sha256_file
from hyperseg.records import (
    BenchNumbers,
    DatasetRef,
    EvaluationNumbers,
    LatencyNumbers,
    NetworkRef,
    Record,
    TrainingNumbers,
    read_record_files,
)
from hyperseg.records.frame import frame as frame_of

T = TypeVar("T")
N = TypeVar("N", TrainingNumbers, EvaluationNumbers, LatencyNumbers, BenchNumbers)
Key = tuple[object, ...]
DRAWN_CAMPAIGNS = 6  # of more, a reader sees the newest ones


@dataclass(frozen=True)
class Entry(Generic[N]):
    """One record with the name and the hash under which the report cites it."""

    name: str  # path below the folder that holds all of the report's records
    sha256: str
    record: Record
    numbers: N

    @property
    def anchor(self) -> str:
        return f"record-{self.sha256[:12]}"


Training = Entry[TrainingNumbers]
Evaluation = Entry[EvaluationNumbers]
Latency = Entry[LatencyNumbers]
Bench = Entry[BenchNumbers]
AnyEntry = Training | Evaluation | Latency | Bench


@dataclass(frozen=True)
class Collection:
    """All records of a report, by kind, in the order of their names."""

    training: tuple[Training, ...]
    evaluation: tuple[Evaluation, ...]
    latency: tuple[Latency, ...]
    bench: tuple[Bench, ...] = ()

    def __iter__(self) -> Iterator[AnyEntry]:
        entries: list[AnyEntry] = [*self.training, *self.evaluation, *self.latency, *self.bench]
        yield from sorted(entries, key=lambda entry: entry.name)

    def __len__(self) -> int:
        return len(self.training) + len(self.evaluation) + len(self.latency) + len(self.bench)

    def frame(self, quantities: Iterable[str] | None = None) -> pd.DataFrame:
        """The records as :func:`hyperseg.read_records` gives them, `record` being the anchor of an entry.

        `quantities`: of these alone, which is much quicker for many records.
        """
        named = ((entry.anchor, entry.sha256, entry.record) for entry in self)
        return frame_of(named, None if quantities is None else set(quantities))

    @property
    def campaigns(self) -> list[str]:
        return sorted({entry.record.campaign for entry in self})

    def newest_campaigns(self, names: Iterable[str]) -> tuple[list[str], str]:
        """Of the campaigns that a figure could draw those it draws, and what its caption says of the others."""
        started: dict[str, str] = dict.fromkeys(names, "")
        for entry in self:
            if entry.record.campaign in started:
                at = entry.record.started_at.isoformat()
                started[entry.record.campaign] = max(at, started[entry.record.campaign])
        newest = sorted(started, key=lambda name: (started[name], name), reverse=True)[:DRAWN_CAMPAIGNS]
        left = f" Of {len(started)} campaigns the {len(newest)} newest are drawn; the tables have all."
        return sorted(newest), left if len(newest) < len(started) else ""

    @cached_property
    def _training_by_weights(self) -> dict[str, Training]:
        hashed = ((entry.record.network.weights_sha256, entry) for entry in self.training)
        return {sha256: entry for sha256, entry in hashed if sha256}

    @cached_property
    def machines_of_device(self) -> dict[str, set[str]]:
        """The fingerprints of the machines that have a timed device of a name."""
        found: dict[str, set[str]] = {}
        for entry in self.latency:
            machines = found.setdefault(entry.numbers.device_name, set())
            machines.add(entry.record.provenance.machine.fingerprint)
        return found

    @cached_property
    def _versions(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for entry in self:
            if dataset := entry.record.dataset:
                found.setdefault(dataset.id, set()).add(dataset.version)
        return found

    def split_label(self, dataset: DatasetRef) -> str:
        """The name of a split; with the version of its dataset where two versions of that are here."""
        several = len(self._versions[dataset.id]) > 1
        return f"{dataset.split} (version {dataset.version[:12]})" if several else dataset.split

    @cached_property
    def _latency_by_source(self) -> dict[str, list[Latency]]:
        found: dict[str, list[Latency]] = {}
        for entry in self.latency:
            found.setdefault(entry.record.network.source, []).append(entry)
        return found

    def latency_of(self, source: str) -> list[Latency]:
        """Latencies of networks from one source: 'hyperseg', 'authors', or a library."""
        return self._latency_by_source.get(source, [])

    def training_of(self, weights_sha256: str | None) -> Training | None:
        """The training record whose weights file has that hash, if it is here."""
        return self._training_by_weights.get(weights_sha256) if weights_sha256 else None


def load(paths: Sequence[Path]) -> Collection:
    """Read record files, and every ``*.json`` under folders.

    Raises :class:`UserError` for a missing or unfit file, for no record at all, and for two records of one cell.
    """
    for path in paths:
        if not path.exists():
            raise UserError(f"no record or folder at {path}; give what `hyperseg train`, `evaluate` or `latency` wrote")
    files = read_record_files(paths)
    unique = {path.resolve(): record for path, record in files.items()}
    if not unique:
        folders = ", ".join(map(str, paths))
        raise UserError(f"no record (*.json) under {folders}; run `hyperseg run` first or give another folder")
    root = Path(os.path.commonpath([path.parent for path in unique]))
    hashed = {path.relative_to(root).as_posix(): (sha256_file(path), record) for path, record in unique.items()}
    return collect(hashed)


def collect(records: dict[str, tuple[str, Record]]) -> Collection:
    """A collection of records already read: name -> (sha256 of the file, record)."""
    training: list[Training] = []
    evaluation: list[Evaluation] = []
    latency: list[Latency] = []
    bench: list[Bench] = []
    for name, (sha256, record) in sorted(records.items()):
        match record.numbers:
            case TrainingNumbers() as numbers:
                training.append(Entry(name, sha256, record, numbers))
            case EvaluationNumbers() as numbers:
                evaluation.append(Entry(name, sha256, record, numbers))
            case LatencyNumbers() as numbers:
                latency.append(Entry(name, sha256, record, numbers))
            case BenchNumbers() as numbers:
                bench.append(Entry(name, sha256, record, numbers))
    collection = Collection(tuple(training), tuple(evaluation), tuple(latency), tuple(bench))
    _refuse_duplicates(collection.training, training_key)
    _refuse_duplicates(
        collection.evaluation, lambda e: (*accuracy_key(e, collection), protocol_of(e.record), e.record.seed)
    )
    _refuse_duplicates(collection.latency, latency_key)
    _refuse_duplicates(collection.bench, bench_key)
    return collection


def grouped(items: Iterable[T], key: Callable[[T], Any]) -> list[list[T]]:
    """The items of equal keys together, in the order of the keys."""
    return [list(group) for _, group in groupby(sorted(items, key=key), key=key)]


def network_key(network: NetworkRef) -> Key:
    """What makes two networks the same row of a table: everything but the trained values."""
    weights = network.backbone_weights.sha256 if network.backbone_weights else ""
    return network.source, network.id, network.backbone, weights, network.slices or "", network.num_classes


def architecture_key(network: NetworkRef) -> Key:
    """What decides a network's time: everything but weights; of a library its name, since releases keep a network."""
    library = network.source.partition(" ")[0]
    return library, network.id, network.backbone, network.slices or "", network.num_classes


def dataset_key(entry: Entry[N]) -> Key:
    dataset = entry.record.dataset
    return (dataset.id, dataset.split, dataset.version) if dataset else ("", "", "")


def accuracy_key(entry: Evaluation, collection: Collection) -> Key:
    """One row of the accuracy table: a network on a split; seeds are averaged inside, protocols are its columns."""
    size = entry.numbers.input_height, entry.numbers.input_width
    return (
        *dataset_key(entry), entry.record.campaign, *network_key(entry.record.network), *size,
        checkpoint(entry, collection), normalization(entry), flips(entry),
    )  # fmt: skip


def normalization(entry: Evaluation) -> str:
    """By which values images were normalized, as the record's reading says: 'imagenet', 'half'."""
    return str(_reading(entry).get("normalization") or "")


def flips(entry: Evaluation) -> bool:
    """Whether the scores of the mirror image were averaged in."""
    return _reading(entry).get("flip") is True


def _reading(entry: Evaluation) -> dict[str, Any]:
    reading = entry.record.config.get("reading")
    return reading if isinstance(reading, dict) else {}


def checkpoint(entry: Evaluation, collection: Collection) -> str:
    """Which checkpoint was scored, as its training record says: 'last', 'best on <split>', 'given'."""
    training = collection.training_of(entry.record.network.weights_sha256)
    return checkpoint_kept(training.numbers) if training else "given"


def checkpoint_kept(numbers: TrainingNumbers) -> str:
    """Which checkpoint a training kept: 'last' or 'best on <split>'."""
    return "last" if numbers.selection == "last" else f"best on {numbers.selection_split or 'unnamed split'}"


def latency_key(entry: Latency) -> Key:
    """One row of a runtime table."""
    numbers = entry.numbers
    return (
        entry.record.provenance.machine.fingerprint, numbers.device, numbers.device_name, protocol_of(entry.record),
        entry.record.campaign, *network_key(entry.record.network), numbers.input_height, numbers.input_width,
        numbers.batch, numbers.precision, numbers.tf32, numbers.batch_norm, numbers.engine,
        entry.record.network.weights_sha256 or "",
    )  # fmt: skip


def bench_key(entry: Bench) -> Key:
    """One benchmark of a variant on a device; parts may lie in records of their own."""
    numbers, machine = entry.numbers, entry.record.provenance.machine
    parts = [name for name in type(numbers).model_fields if name != "goals" and getattr(numbers, name)]
    return (
        machine.fingerprint, numbers.device, numbers.device_name, entry.record.campaign,
        *network_key(entry.record.network), numbers.clock, entry.record.provenance.threads, *parts,
    )  # fmt: skip


def training_key(entry: Training) -> Key:
    seed = -1 if entry.record.seed is None else entry.record.seed
    key = (*dataset_key(entry), entry.record.campaign, *network_key(entry.record.network), seed)
    return (*key, entry.numbers.selection, entry.numbers.selection_split or "")


def protocol_of(record: Record) -> tuple[str, int]:
    """Protocol id and version; sorts by name, then version."""
    return (record.protocol.id, record.protocol.version) if record.protocol else ("none", 1)


def protocol_title(protocol: tuple[str, int]) -> str:
    return f"{protocol[0]} v{protocol[1]}"


def protocol_slug(protocol: tuple[str, int]) -> str:
    return f"{protocol[0]}_v{protocol[1]}"


def _refuse_duplicates(entries: Iterable[Entry[N]], key: Callable[[Entry[N]], Key]) -> None:
    seen: dict[Key, Entry[N]] = {}
    for entry in entries:
        first = seen.setdefault(key(entry), entry)
        if first is not entry:
            network = entry.record.network.id
            raise UserError(
                f"records {first.name} and {entry.name} fill the same cell ({entry.record.kind} of {network}); "
                f"give only one of them"
            )
