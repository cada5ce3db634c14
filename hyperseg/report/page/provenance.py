"""What the page says about the run as a whole: facts, warnings, environments and the list of records."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from string import ascii_uppercase

from hyperseg.records import Machine, Provenance
from hyperseg.report.collection import AnyEntry, Collection, protocol_of, protocol_title
from hyperseg.report.names import dataset_title, device_title, network_title

_KINDS = {  # one, several
    "training": ("training run", "training runs"),
    "evaluation": ("evaluation", "evaluations"),
    "latency": ("latency", "latencies"),
    "bench": ("benchmark", "benchmarks"),
}


@dataclass(frozen=True)
class Environment:
    """The environment of some records; records with the same environment share a letter."""

    letter: str
    commit: str
    dirty: str
    machine: Machine
    device: str
    python: str
    packages: str
    records: int


@dataclass(frozen=True)
class Listed:
    """One record as the page lists it."""

    anchor: str
    name: str
    sha256: str
    kind: str
    network: str
    protocol: str
    dataset: str
    seed: str
    started: str
    duration: str
    environment: str
    campaign: str


def facts(collection: Collection) -> list[tuple[str, list[str]]]:
    """What was run, in a few lines: label -> values."""
    entries = list(collection)
    kinds = Counter(entry.record.kind for entry in entries)
    machines = {entry.record.provenance.machine.fingerprint: entry.record.provenance.machine for entry in entries}
    days = sorted(entry.record.started_at.date().isoformat() for entry in entries)
    span = days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
    rows = [
        ("Campaigns", _joined(collection.campaigns)),
        ("Networks", _joined(network_title(entry.record.network.id) for entry in entries)),
        ("Trained on", _sorted(_dataset(entry) for entry in collection.training)),
        ("Scored on", _sorted(_dataset(entry) for entry in collection.evaluation)),
        ("Evaluation protocols", _joined(_protocol(entry) for entry in collection.evaluation)),
        ("Latency protocols", _joined(_protocol(entry) for entry in collection.latency)),
        ("Verdicts of latencies", _verdicts(collection)),
        ("Machines", [_machine(machine) for _, machine in sorted(machines.items())]),
        ("Records", [", ".join(f"{count} {_KINDS[kind][count > 1]}" for kind, count in sorted(kinds.items()))]),
        ("Made", [span]),
    ]
    return [(label, values) for label, values in rows if values]


def headline(collection: Collection) -> str:
    """When, from which code and where the records were made, and that they hold, in one line."""
    entries = list(collection)
    days = sorted(entry.record.started_at.date().isoformat() for entry in entries)
    commits = sorted({(entry.record.provenance.commit or "unknown")[:7] for entry in entries})
    machines = {entry.record.provenance.machine.fingerprint for entry in entries}
    code = f"commit {commits[0]}" if len(commits) == 1 else f"{len(commits)} commits"
    span = days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
    one = "1 machine" if len(machines) == 1 else f"{len(machines)} machines"
    return f"{len(entries)} of {len(entries)} records verify · {span} · {code} · {one}"


def warnings(collection: Collection) -> list[str]:
    """Warnings that come before the numbers, one sentence each."""
    entries = list(collection)
    total, found = len(entries), []
    dirty = sum(entry.record.provenance.dirty is True for entry in entries)
    if dirty:
        found.append(f"{dirty} of {total} records were made from code with uncommitted changes.")
    unknown = sum(entry.record.provenance.commit is None for entry in entries)
    if unknown:
        found.append(f"{unknown} of {total} records do not name the commit of their code.")
    smoke = sum(entry.numbers.smoke for entry in collection.latency)
    if smoke:
        found.append(f"{_counted(smoke, 'from smoke runs')}: these show that timing works and enter no claim.")
    invalid = sum(
        entry.numbers.verdict.verdict == "INVALID" and not entry.numbers.smoke for entry in collection.latency
    )
    if invalid:
        found.append(f"{_counted(invalid, 'INVALID')}: tables show these numbers; figures and metrics leave them out.")
    random = sum(entry.record.network.weights_sha256 is None for entry in collection.latency)
    if random:
        found.append(f"{_counted(random, 'with random weights')}: they say nothing about accuracy.")
    scratch = {e.record.network.id for e in collection.training if e.record.network.backbone_weights is None}
    if scratch:
        names = ", ".join(sorted(map(network_title, scratch)))
        found.append(f"Trained from a backbone with random weights: {names}.")
    datasets = {e.record.dataset.id for e in collection.evaluation if e.record.dataset}
    if "camvid_segnet" in datasets:
        found.append("CamVid here is the 480×360 copy: its scores are not comparable with those on 960×720 frames.")
    if "streets" in datasets:
        found.append("The streets dataset is generated: its scores show that the pipeline works, not how good a "
                     "network is on real streets.")  # fmt: skip
    return found


def environments(collection: Collection) -> tuple[list[Environment], dict[str, str]]:
    """The distinct environments, and the letter of each record by its anchor."""
    found: dict[tuple[str, ...], list[AnyEntry]] = {}
    for entry in collection:
        found.setdefault(_environment_key(entry.record.provenance), []).append(entry)
    listed: list[Environment] = []
    letters: dict[str, str] = {}
    for index, entries in enumerate(found.values()):
        letter = ascii_uppercase[index % 26] + (str(index // 26) if index >= 26 else "")
        letters |= {entry.anchor: letter for entry in entries}
        listed.append(_environment(letter, entries[0].record.provenance, len(entries)))
    return listed, letters


def listed_records(collection: Collection, letters: dict[str, str]) -> list[Listed]:
    return [_listed(entry, letters[entry.anchor]) for entry in collection]


def _environment_key(provenance: Provenance) -> tuple[str, ...]:
    packages = " ".join(f"{name} {version}" for name, version in sorted(provenance.packages.items()))
    key = (str(provenance.commit), str(provenance.dirty), provenance.machine.fingerprint, provenance.python, packages)
    return (*key, str(provenance.threads), provenance.machine.system, str(provenance.machine.driver))


def _environment(letter: str, provenance: Provenance, records: int) -> Environment:
    dirty = {True: "uncommitted changes", False: "clean", None: "not known"}[provenance.dirty]
    return Environment(
        letter=letter,
        commit=provenance.commit or "not known",
        dirty=dirty,
        machine=provenance.machine,
        device=f"{_machine(provenance.machine)}, {provenance.threads} threads used",
        python=provenance.python,
        packages=", ".join(f"{name} {version}" for name, version in sorted(provenance.packages.items())),
        records=records,
    )


def _machine(machine: Machine) -> str:
    gpus = Counter(machine.gpus)
    parts = [f"{device_title(machine.cpu)}, {machine.cpu_cores} cores, {machine.memory_bytes / 2**30:.0f} GiB"]
    parts += [name if count == 1 else f"{count} × {name}" for name, count in sorted(gpus.items())]
    return f"{' + '.join(parts)} ({machine.fingerprint})"


def _listed(entry: AnyEntry, letter: str) -> Listed:
    record = entry.record
    return Listed(
        anchor=entry.anchor,
        name=entry.name,
        sha256=entry.sha256,
        kind=record.kind,
        network=network_title(record.network.id),
        protocol=_protocol(entry) if record.protocol else "",
        dataset=f"{record.dataset.id}, {record.dataset.split}" if record.dataset else "",
        seed="" if record.seed is None else str(record.seed),
        started=record.started_at.strftime("%Y-%m-%d %H:%M"),
        duration=_duration(record.duration_s),
        environment=letter,
        campaign=record.campaign,
    )


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _dataset(entry: AnyEntry) -> str:
    dataset = entry.record.dataset
    if dataset is None:
        return ""
    return f"{dataset_title(dataset.id)}, {dataset.split}: {dataset.images} images (version {dataset.version[:12]})"


def _protocol(entry: AnyEntry) -> str:
    return protocol_title(protocol_of(entry.record))


def _verdicts(collection: Collection) -> list[str]:
    counts = Counter(
        f"{entry.numbers.verdict.verdict} (smoke)" if entry.numbers.smoke else entry.numbers.verdict.verdict
        for entry in collection.latency
    )
    return (
        [", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items(), reverse=True))] if counts else []
    )


def _counted(count: int, what: str) -> str:
    return f"1 latency is {what}" if count == 1 else f"{count} latencies are {what}"


def _joined(values: Iterable[str]) -> list[str]:
    found = _sorted(values)
    return ["; ".join(found)] if found else []


def _sorted(values: Iterable[str]) -> list[str]:
    return sorted({value for value in values if value})
