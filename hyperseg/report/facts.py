"""Published numbers, read from the facts in ``results/``: every row carries its source."""

import csv
from dataclasses import dataclass
from pathlib import Path

from hyperseg.errors import UserError, reason_of
from hyperseg.report.conditions import Conditions, read_conditions

PAPER = "results/paper/paper.csv"  # where they lie in the repository
PEERS = "results/published"  # every CSV in it
_PAPER_COLUMNS = (
    "variant", "dataset", "split", "input_height", "input_width", "miou_percent", "fps", "latency_ms", "gpu",
    "weights_released", "source",
)  # fmt: skip


class _Timed:
    fps: float | None
    latency_ms: float | None

    @property
    def milliseconds(self) -> float | None:
        """The stated latency, else 1000 / FPS: published FPS are for batch 1."""
        if self.latency_ms is not None:
            return self.latency_ms
        return 1000.0 / self.fps if self.fps else None


@dataclass(frozen=True)
class PaperRow(_Timed):
    """One headline number of the paper. Sizes in pixels, None where the source does not state it."""

    variant: str
    dataset: str
    split: str
    input_height: int
    input_width: int
    miou_percent: float
    fps: float | None
    latency_ms: float | None
    gpu: str | None
    source: str
    conditions: Conditions  # under which it was made


@dataclass(frozen=True)
class PeerRow(_Timed):
    """One published result of another method."""

    dataset: str
    split: str
    method: str
    backbone: str
    input_height: int | None
    input_width: int | None
    miou_percent: float | None
    fps: float | None
    latency_ms: float | None
    gpu: str
    params_m: float | None  # parameters, in millions
    gmacs: float | None  # multiply-accumulates, in 1e9
    multi_scale_test: str
    source_repo: str
    source: str
    note: str
    web_only: bool  # known from a web page alone, not from a repository at a commit


def read_paper(path: Path) -> tuple[PaperRow, ...]:
    """The paper's numbers, with their conditions from ``claims.yaml`` beside them.

    A :class:`UserError` names the line that does not fit.
    """
    rows, conditions = _rows(path, _PAPER_COLUMNS), read_conditions(path.parent)
    return tuple(_paper_row(path, line, row, conditions) for line, row in rows)


def read_peers(path: Path) -> tuple[PeerRow, ...]:
    """Published peers, in the layout of ``results/published``."""
    return tuple(_peer_row(path, line, row) for line, row in _rows(path, ("method", "source_repo", "source_path")))


def _rows(path: Path, needed: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in needed if name not in (reader.fieldnames or ())]
            rows = [(reader.line_num, {k: v or "" for k, v in row.items() if k}) for row in reader]
    except OSError as error:
        raise UserError(f"cannot read {path}: {reason_of(error)}; give a CSV like results/paper/paper.csv") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is not a CSV in UTF-8; give one like results/paper/paper.csv") from error
    if missing:
        raise UserError(f"{path} lacks the column {missing[0]}; give a CSV like results/paper/paper.csv")
    return rows


def _paper_row(path: Path, line: int, row: dict[str, str], conditions: dict[str, Conditions]) -> PaperRow:
    stated = conditions.get(f"{row['dataset']} {row['split']}") or Conditions(dataset=row["dataset"])
    try:
        return PaperRow(
            variant=row["variant"],
            dataset=row["dataset"],
            split=row["split"],
            input_height=int(row["input_height"]),
            input_width=int(row["input_width"]),
            miou_percent=float(row["miou_percent"]),
            fps=_number(row["fps"]),
            latency_ms=_number(row["latency_ms"]),
            gpu=row["gpu"] or None,
            source=row["source"],
            conditions=stated,
        )
    except ValueError as error:
        raise UserError(f"line {line} of {path} holds a number that cannot be read; correct that row") from error


def _peer_row(path: Path, line: int, row: dict[str, str]) -> PeerRow:
    web = row["source_repo"] == "(web page)"
    commit = f" @ {row['source_commit'][:7]}" if row.get("source_commit") else ""
    source = row["source_path"] if web else f"github.com/{row['source_repo']} {row['source_path']}{commit}"
    try:
        height, width = _number(row.get("input_height", "")), _number(row.get("input_width", ""))
        return PeerRow(
            dataset={"pascal_voc_2012": "voc2012"}.get(row["dataset"], row["dataset"]),
            split=row["split"],
            method=row["method"],
            backbone=row.get("backbone", ""),
            input_height=None if height is None else int(height),
            input_width=None if width is None else int(width),
            miou_percent=_number(row.get("miou_percent", "")),
            fps=_number(row.get("fps", "")),
            latency_ms=_number(row.get("latency_ms", "")),
            gpu=row.get("gpu", ""),
            params_m=_number(row.get("params_m", "")),
            gmacs=_number(row.get("gmacs", "")),
            multi_scale_test=row.get("multi_scale_test", ""),
            source_repo=row["source_repo"],
            source=source,
            note=row.get("note", ""),
            web_only=web,
        )
    except ValueError as error:
        raise UserError(f"line {line} of {path} holds a number that cannot be read; correct that row") from error


def _number(text: str) -> float | None:
    return float(text) if text.strip() else None
