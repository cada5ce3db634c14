"""Speed as a ratio to a baseline of the same run: contenders take turns, so that what disturbs one disturbs all."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from hyperseg.allocator import page_faults

Clock = Literal["wall", "cpu"]


@dataclass(frozen=True)
class Contender:
    """Something to time: ``run`` does it once and returns when it is done."""

    name: str
    run: Callable[[], object]


@dataclass(frozen=True)
class Timing:
    """One contender's rounds, in ms, beside the baseline's of the same rounds."""

    name: str
    milliseconds: tuple[float, ...]
    baseline: tuple[float, ...]
    page_faults: int  # median of the rounds

    @property
    def median_ms(self) -> float:
        return statistics.median(self.milliseconds)

    @property
    def ratios(self) -> list[float]:
        """How many times faster than the baseline, round by round."""
        return [base / own for base, own in zip(self.baseline, self.milliseconds, strict=True)]

    @property
    def ratio(self) -> float:
        """The median over the rounds."""
        return statistics.median(self.ratios)


def time_in_turns(
    contenders: Sequence[Contender], rounds: int, clock: Clock = "wall", warm_up: int = 1
) -> list[Timing]:
    """Run every contender once per round, the first being the baseline, and give all timings in the same order.

    Each runs ``warm_up`` times before. The clock is the wall's, or the process's CPU time (all its threads), which a
    busy machine disturbs less: take that on one thread.
    """
    now = time.perf_counter if clock == "wall" else time.process_time
    for contender in contenders:
        for _ in range(warm_up):
            contender.run()
    samples: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    faults: dict[str, list[int]] = {contender.name: [] for contender in contenders}
    for _ in range(rounds):
        for contender in contenders:
            before, started = page_faults(), now()
            contender.run()
            samples[contender.name].append(1e3 * (now() - started))
            faults[contender.name].append(page_faults() - before)
    baseline = tuple(samples[contenders[0].name])
    return [
        Timing(name, tuple(values), baseline, round(statistics.median(faults[name])))
        for name, values in samples.items()
    ]
