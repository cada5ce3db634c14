"""The live line of a long run, and the table it ends with. Imports no torch."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from hyperseg.records.schema import LatencyNumbers, Record


class LiveLine:
    """One line that is written over on a terminal; elsewhere one line per process, not per event."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._said = ""

    def __call__(self, text: str) -> None:
        if self._terminal:
            sys.stderr.write(f"\r\x1b[2K{text}")
        elif (title := text.partition(": ")[0]) != self._said:
            self._said = title
            sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Clear the line."""
        if self._terminal:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()


def print_table(records: Sequence[Record]) -> None:
    """The numbers of one session as a table, each with its verdict, then the reasons and the advice."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    first = _numbers(records[0])
    title = f"{_protocol(records[0])}, {first.precision}, batch norm {first.batch_norm}, on {first.device_name}"
    console.print(title, highlight=False, markup=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    titles = ["network", "engine", "input", "median ms", "95 %", "p90", "p99", "images/s", "MiB"]
    for name in [*titles, *(["vs first"] if len(records) > 1 else []), "verdict"]:
        table.add_column(name, justify="left" if name in {"network", "engine", "verdict"} else "right", no_wrap=True)
    for record in records:
        for cells in _rows(record, records[0], len(records) > 1):
            table.add_row(*cells)
    console.print(table)
    for record in records:
        numbers = _numbers(record)
        notes = list(numbers.verdict.reasons)
        if record.network.weights_sha256 is None:
            notes.append("random weights: a time, and nothing about accuracy")
        if numbers.smoke:
            notes.append("smoke: a functional check that enters no claim")
        for note in notes:
            console.print(f"  {record.network.id}, {numbers.engine}: {note}", highlight=False, markup=False)
    for advice in dict.fromkeys(item for record in records for item in _numbers(record).verdict.advice):
        console.print(f"  advice: {advice}", highlight=False, markup=False)


def _protocol(record: Record) -> str:
    assert record.protocol is not None
    return f"protocol {record.protocol.id} version {record.protocol.version}"


def _rows(record: Record, anchor: Record, ratios: bool) -> list[list[str]]:
    numbers = _numbers(record)
    interval = numbers.median_interval
    row = [
        record.network.id,
        numbers.engine,
        _input(numbers.batch, numbers.input_height, numbers.input_width),
        f"{numbers.median_ms:.2f}",
        f"±{(interval.high - interval.low) / 2:.2f}" if interval else "-",
        _or_dash(numbers.p90_ms),
        _or_dash(numbers.p99_ms),
        f"{numbers.fps:.2f}",
        _mebibytes(numbers.peak_memory_bytes),
        *([f"{_numbers(anchor).median_ms / numbers.median_ms:.2f}x"] if ratios else []),
        numbers.verdict.verdict + (" (smoke)" if numbers.smoke else ""),
    ]
    points = [
        [
            f"  {f'{point.pixel_ratio:.2f}x pixels' if point.axis == 'input' else f'batch {point.batch}'}",
            "",
            _input(point.batch, point.input_height, point.input_width),
            f"{point.median_ms:.2f}",
            *[""] * 3,
            f"{point.fps:.2f}",
            _mebibytes(point.peak_memory_bytes),
            *([""] if ratios else []),
            point.verdict.verdict,
        ]
        for point in numbers.points
    ]
    return [row, *points]


def _numbers(record: Record) -> LatencyNumbers:
    assert isinstance(record.numbers, LatencyNumbers)
    return record.numbers


def _input(batch: int, height: int, width: int) -> str:
    return f"{batch} x {height} x {width}"


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _mebibytes(value: int | None) -> str:
    return "-" if value is None else f"{value / 2**20:.0f}"
