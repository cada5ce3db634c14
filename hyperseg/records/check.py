"""A number as a record states it beside the same number derived again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hyperseg.records.measurement import Interval

# The same formula on the same float64 numbers: what remains is the order of a sum.
RELATIVE = 1e-9
# Intervals were once made with points of Student's t to three decimals: 12.706 for 12.7062.
T_DECIMALS = 3e-4


@dataclass(frozen=True)
class Check:
    """One number as the record states it, and as it follows from other numbers; or what makes that impossible."""

    name: str
    stated: float | None
    derived: float | None
    source: str  # what it was derived from, as in "51.45 by the confusion matrix"
    tolerance: float = 0.0
    fault: str | None = None

    @property
    def problem(self) -> str | None:
        """A clause such as "miou_percent is 78.5, but 51.45 by the confusion matrix"; None where all is well."""
        if self.fault is not None:
            return self.fault
        if self.stated is None and self.derived is None:
            return None
        if self.stated is not None and self.derived is not None and abs(self.stated - self.derived) <= self.tolerance:
            return None
        stated, derived = _apart(self.stated, self.derived)
        return f"{self.name} is {stated}, but {derived} by {self.source}"


def problems(found: Iterable[Check]) -> Iterator[str]:
    """The clauses of the checks that do not hold."""
    for check in found:
        if (problem := check.problem) is not None:
            yield problem


def number(name: str, stated: float | None, derived: float | None, source: str, relative: float = RELATIVE) -> Check:
    """A number that must be the derived one, apart from float rounding."""
    return Check(name, stated, derived, source, relative * max(abs(derived or 0), 1))


def interval(name: str, stated: Interval | None, derived: Interval | None, source: str) -> Iterator[Check]:
    """Both ends of an interval."""
    spread = (derived.high - derived.low) / 2 if derived else 0.0
    for end in ("low", "high"):
        ours, theirs = getattr(stated, end, None), getattr(derived, end, None)
        yield Check(f"{name}.{end}", ours, theirs, source, T_DECIMALS * spread + RELATIVE * abs(theirs or 0))
    if stated and derived:
        yield number(f"{name}.level", stated.level, derived.level, "its method")
        if stated.method != derived.method:
            yield fault(name, f"{name} is of method '{stated.method}', but '{derived.method}' made it")


def fault(name: str, message: str) -> Check:
    """Something that does not fit together, whatever its number."""
    return Check(name, None, None, "", fault=message)


def _apart(stated: float | None, derived: float | None) -> tuple[str, str]:
    """Both numbers with as many digits as it takes to tell them apart."""
    for digits in (6, 9, 17):
        pair = [f"{value:.{digits}g}" if value is not None else "missing" for value in (stated, derived)]
        if pair[0] != pair[1]:
            break
    return pair[0], pair[1]
