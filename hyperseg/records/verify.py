"""Whether records hold: schema, hashes, raw files, every number derived again, and one record against another."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hyperseg.errors import UserError
from hyperseg.files import sha256_file
from hyperseg.records.across import contradictions
from hyperseg.records.check import problems
from hyperseg.records.derive import checks
from hyperseg.records.raw import raw_checks, raw_file
from hyperseg.records.schema import EvaluationNumbers, Record, TrainingNumbers
from hyperseg.records.store import parse_record, record_files
from hyperseg.records.strips import Key, evaluation_key, strip_lists, strip_problems

WEIGHTS = "weights.safetensors"  # where a training leaves them, beside its record


@dataclass(frozen=True)
class Verified:
    """What is wrong with one record's file, and what could not be checked; each a clause."""

    path: Path
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.problems


def verify(paths: Iterable[Path]) -> list[Verified]:
    """Verify record files and lists of strips, and every ``*.json`` and ``strips.csv`` under folders.

    Raises :class:`UserError` for a missing path.
    """
    found = list(paths)
    for path in found:
        if not path.exists():
            raise UserError(f"no record or folder at {path}; give what a step of the pipeline wrote")
    lists = strip_lists(found)
    verified: list[Verified] = []
    read: list[tuple[Path, Record]] = []
    scored: dict[Key, list[tuple[Path, Record]]] = {}
    for path in record_files(path for path in found if path not in lists):
        one, record = _verify(path)
        verified.append(one)
        if record is not None:
            read.append((path, record))
        if lists and record is not None and (key := evaluation_key(record)):
            scored.setdefault(key, []).append((path, record))
    apart: dict[Path, list[str]] = {}
    for path, problem in contradictions(read):
        apart.setdefault(path, []).append(problem)
    verified = [replace(one, problems=(*one.problems, *apart.get(one.path, ()))) for one in verified]
    return verified + [Verified(path, tuple(strip_problems(path, scored)), ()) for path in lists]


def _verify(path: Path) -> tuple[Verified, Record | None]:
    try:
        record = parse_record(path)
    except UserError as error:
        return Verified(path, (str(error),), ()), None
    wrong = [*problems((*checks(record), *raw_checks(record, path.parent))), *_missing(record, path.parent)]
    wrong += _weights(record, path.parent)
    return Verified(path, tuple(wrong), tuple(_notes(record, path.parent))), record


def summary(verified: Sequence[Verified]) -> str:
    """'40 of 40 records hold'."""
    return f"{sum(one.holds for one in verified)} of {len(verified)} records hold"


def _missing(record: Record, folder: Path) -> Iterable[str]:
    named = raw_file(record)
    if named and record.schema_version > 1 and not (folder / named[0]).is_file():
        yield f"it names {named[0]}, which does not lie beside it"


def _weights(record: Record, folder: Path) -> Iterable[str]:
    path = folder / WEIGHTS
    trained = isinstance(record.numbers, TrainingNumbers) and path.is_file()
    if trained and sha256_file(path) != record.network.weights_sha256:
        yield f"the sha256 of {WEIGHTS} beside it is not the one that it names"


def _notes(record: Record, folder: Path) -> Iterable[str]:
    named = raw_file(record)
    if named is None:
        if isinstance(record.numbers, EvaluationNumbers) and record.numbers.miou_interval:
            yield "the images' confusion matrices are not kept, so the interval is not derived again"
    elif record.schema_version == 1 and not (folder / named[0]).is_file():
        yield f"raw samples not kept ({named[0]}), so medians and percentiles are not derived again"
