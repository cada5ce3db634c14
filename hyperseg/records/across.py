"""What several records say of one thing: the same weights, the same data, the same network. They must agree."""

from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path

from hyperseg.records.latency import LatencyNumbers
from hyperseg.records.schema import Record

_NETWORK = ("id", "source", "num_classes", "backbone", "slices", "parameters")


def contradictions(records: Sequence[tuple[Path, Record]]) -> Iterator[tuple[Path, str]]:
    """(path, clause) where a record says something else than an earlier one of the same weights, data or network."""
    said: dict[tuple[str, Hashable, str], tuple[object, Path]] = {}
    for path, record in records:
        for thing, key, field, value in _statements(record):
            first, where = said.setdefault((thing, key, field), (value, path))
            if first != value:
                yield path, f"{field} is {value}, but {first} in {where}, which is of the same {thing}"


def _statements(record: Record) -> Iterator[tuple[str, Hashable, str, object]]:
    network, dataset, numbers = record.network, record.dataset, record.numbers
    # those of a benchmark were compared on images alone, and older ones name the network that was timed
    if network.weights_sha256 and record.kind != "bench":
        for name in _NETWORK:
            yield "weights", network.weights_sha256, f"network.{name}", getattr(network, name)
    if dataset:
        yield "data", dataset.version, "dataset.id", dataset.id
    shape = (network.source, network.id, network.backbone, network.num_classes, network.slices)
    yield "network", shape, "network.parameters", network.parameters
    if isinstance(numbers, LatencyNumbers) and network.gmacs is not None:
        size = (numbers.input_height, numbers.input_width)
        yield "network and input", (*shape, *size), "network.gmacs", network.gmacs
