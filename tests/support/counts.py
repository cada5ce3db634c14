"""The table of a trial: printed, and kept as a CSV file in which every count is one of what was run."""

import csv
from collections import Counter
from pathlib import Path


def read_counts(file: Path, names: int) -> dict[tuple[str, ...], Counter[str]]:
    """The counts of earlier runs, by the first `names` cells of a line; none where there is no file."""
    if not file.is_file():
        return {}
    with file.open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row and next(iter(row.values())) != "all"]
    found = {}
    for row in rows:
        cells = list(row.items())
        found[tuple(cell for _, cell in cells[:names])] = Counter({name: int(cell) for name, cell in cells[names:]})
    return found


def write_counts(
    out: Path, names: tuple[str, ...], columns: tuple[str, ...], counts: dict[tuple[str, ...], Counter[str]]
) -> str:
    """Write a line for each key of `counts` and their sum; returns the same as a table to print."""
    rows = [[*key, *(count[column] for column in columns)] for key, count in counts.items()]
    sums = [sum(count[column] for count in counts.values()) for column in columns]
    table = [[*names, *columns], *rows, ["all", *[""] * (len(names) - 1), *sums]]
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(table)
    return "\n".join("".join(f"{cell!s:>16}" for cell in row) for row in table)
