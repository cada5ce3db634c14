"""The report's figures: one file of this folder per figure, found by being there.

The same records give the same bytes.
"""

import multiprocessing
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from hyperseg.processors import usable_cores
from hyperseg.report.figures.style import Picture
from hyperseg.report.inputs import Inputs
from hyperseg.report.part import Part, parts_of

_MOST = 4  # processes; each holds the records


def figure_parts() -> tuple[Part[Picture], ...]:
    """Every figure of this folder, in the order of the page."""
    return parts_of(__name__)


def drawn_parts(inputs: Inputs) -> Iterator[tuple[Part[Picture], list[Picture]]]:
    """Every figure with its pictures, drawn side by side where cores are there; drawing is most of a report's time."""
    parts = figure_parts()
    workers = min(usable_cores(), _MOST, len(parts))
    if workers == 1 or not sys.platform.startswith("linux"):  # without fork each process would read the records again
        yield from ((part, part.build(inputs)) for part in parts)
        return
    global _inputs  # a forked process inherits it
    _inputs = inputs
    try:
        with ProcessPoolExecutor(workers, multiprocessing.get_context("fork")) as pool:
            yield from zip(parts, pool.map(_pictures, range(len(parts))), strict=True)
    finally:
        _inputs = None


_inputs: Inputs | None = None


def _pictures(index: int) -> list[Picture]:
    assert _inputs is not None
    return figure_parts()[index].build(_inputs)
