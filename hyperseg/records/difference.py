"""What differs between two records, ordered by how likely it explains a different number."""

from collections.abc import Iterator
from typing import Any

from hyperseg.records.schema import BenchNumbers, EvaluationNumbers, LatencyNumbers, Record, TrainingNumbers

# The cause that most often explains a difference comes first: another thing was measured, then it was measured in
# another way, then it was made from other inputs, then on another machine or with other software.
_ACCURACY = (
    "kind", "network.id", "dataset.id", "dataset.version", "dataset.split", "dataset.images", "protocol",
    "numbers.absent_classes", "config.reading", "numbers.input_height", "numbers.input_width", "network.num_classes",
    "network.backbone", "network.slices", "network.source", "config.recipe", "seed", "network.backbone_weights",
    "network.weights_sha256", "numbers.selection", "numbers.selection_split", "config", "dataset", "network",
    "numbers.device", "provenance.commit", "provenance.dirty", "provenance.packages", "provenance.machine",
    "provenance.threads", "campaign",
)  # fmt: skip
_SPEED = (
    "kind", "network.id", "network.source", "numbers.device", "numbers.device_name", "provenance.machine.fingerprint",
    "protocol", "numbers.smoke", "numbers.engine", "numbers.precision", "numbers.tf32", "numbers.batch_norm",
    "numbers.clock_stages", "numbers.clock", "numbers.batch", "numbers.input_height", "numbers.input_width",
    "network.num_classes", "network.backbone", "network.slices", "provenance.threads", "config.keep_memory",
    "numbers.verdict", "numbers.conditions", "provenance.packages", "provenance.commit", "provenance.dirty",
    "provenance.machine", "config", "network.weights_sha256", "network", "dataset", "campaign", "seed",
)  # fmt: skip
# What differs between any two runs, or is the result itself.
_IGNORED = ("started_at", "duration_s", "numbers", "provenance.command", "config.session", "schema_version")


def difference(first: Record, second: Record) -> Iterator[tuple[str, str, str]]:
    """(field, first's value, second's value) of all that differs but the results, the most likely cause first."""
    left, right = _flat(first), _flat(second)
    order = _SPEED if isinstance(first.numbers, LatencyNumbers | BenchNumbers) else _ACCURACY
    fields = sorted(left.keys() | right.keys(), key=lambda field: (_rank(field, order), field))
    for field in fields:
        ours, theirs = left.get(field, "-"), right.get(field, "-")
        if ours != theirs and _rank(field, order) < len(order):
            yield field, ours, theirs


def headline(record: Record) -> tuple[str, float, str] | None:
    """The number that a record is made for: (name, value, unit); None for a benchmark, which has many."""
    match record.numbers:
        case EvaluationNumbers() as numbers:
            return "mIoU", numbers.miou_percent, "%"
        case LatencyNumbers() as numbers:
            return "median latency", numbers.median_ms, "ms"
        case TrainingNumbers() as numbers:
            return "final loss", numbers.final_loss, ""
    return None


def results(first: Record, second: Record) -> Iterator[str]:
    """Sentences that compare what came out: the headline, and the classes that changed most."""
    ours, theirs = headline(first), headline(second)
    if ours is None or theirs is None or ours[0] != theirs[0]:
        yield f"a {first.kind} record and a {second.kind} record: no number to compare directly"
        return
    change = theirs[1] - ours[1]
    unit = f" {ours[2]}" if ours[2] else ""
    points = unit.replace("%", "points")
    yield f"{ours[0]} {ours[1]:.4g}{unit} and {theirs[1]:.4g}{unit}: {change:+.4g}{points}"
    if isinstance(first.numbers, EvaluationNumbers) and isinstance(second.numbers, EvaluationNumbers):
        left = {entry.name: entry.iou_percent for entry in first.numbers.classes}
        right = {entry.name: entry.iou_percent for entry in second.numbers.classes}
        changes = [(b - a, name) for name, a in left.items() if a is not None and (b := right.get(name)) is not None]
        for moved, name in sorted(changes, key=lambda item: -abs(item[0]))[:3]:
            if moved:
                yield f"class {name}: {moved:+.2f} points"
        for name in sorted(left.keys() ^ right.keys()):
            yield f"class {name} is scored in {'the first' if name in left else 'the second'} alone"


def _flat(record: Record) -> dict[str, str]:
    content = record.model_dump(mode="json")
    content["kind"] = record.kind
    content["protocol"] = f"{record.protocol.id} v{record.protocol.version}" if record.protocol else "-"
    return dict(_leaves("", content))


def _leaves(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _leaves(f"{name}.{key}" if name else key, entry)
    else:
        yield name, "-" if value is None else str(value)


def _rank(field: str, order: tuple[str, ...]) -> int:
    """Place of the most specific entry of `order` that the field falls under; past the end where it is left out."""
    matches = [(len(name), place) for place, name in enumerate(order) if field == name or field.startswith(f"{name}.")]
    ignored = max((len(name) for name in _IGNORED if field == name or field.startswith(f"{name}.")), default=-1)
    if not matches or max(matches)[0] < ignored:
        return len(order)
    return max(matches)[1]
