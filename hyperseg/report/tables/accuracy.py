"""The accuracy table: one row per network on a split, one column per evaluation protocol, seeds averaged."""

from collections.abc import Sequence
from statistics import mean, stdev

from hyperseg.report.collection import (
    Collection,
    Evaluation,
    accuracy_key,
    checkpoint,
    flips,
    grouped,
    normalization,
    protocol_of,
    protocol_slug,
    protocol_title,
)
from hyperseg.report.comparability import accuracy_differs, paper_row
from hyperseg.report.facts import PaperRow
from hyperseg.report.inputs import Inputs
from hyperseg.report.names import dataset_title, hw, signed
from hyperseg.report.part import Part
from hyperseg.report.tables.identity import IDENTITY, dataset_cells, identity_cells
from hyperseg.report.tables.model import Cell, Column, Table


def accuracy_table(collection: Collection, paper: Sequence[PaperRow]) -> Table:
    """Mean IoU in percent; the paper's number beside it, with a difference only where the two are comparable."""
    protocols = sorted({protocol_of(entry.record) for entry in collection.evaluation})
    protocol_columns = [column for protocol in protocols for column in _protocol_columns(protocol)]
    paper_columns = (
        *(Column(_paper_key(row), f"Paper mIoU [%], {_paper_place(row)}", numeric=True) for row in _places(paper)),
        Column("difference_points", "Difference to the paper [points]", numeric=True),
        Column("paper_source", "Paper's source", shown=False),
    )
    return Table(
        id="accuracy",
        title="Mean IoU",
        caption="In percent: one seed with its bootstrap interval over images, or mean ± standard deviation "
        "over seeds. One column per evaluation protocol.",
        columns=(
            *IDENTITY[:2],  # then the numbers, then the details
            Column("dataset", "Dataset", fold=True), Column("split", "Split", fold=True),
            *protocol_columns,
            *paper_columns,
            *IDENTITY[2:],
            Column("images", "Images", numeric=True, shown=False), Column("dataset_version", "Version", shown=False),
            Column("checkpoint", "Checkpoint", fold=True, detail=True),
            Column("input_height_px", "", shown=False), Column("input_width_px", "", shown=False),
            Column("input", "Input [px]", fold=True), Column("normalization", "Normalization", fold=True, detail=True),
        ),
        rows=tuple(_row(entries, collection, paper) for entries in accuracy_rows(collection)),
        findings=("selection", "classes", "resize", "absent", "seed", "dead_path"),
    )  # fmt: skip


def accuracy_rows(collection: Collection) -> list[list[Evaluation]]:
    """The evaluations of each row, rows in stable order."""
    return grouped(collection.evaluation, lambda entry: accuracy_key(entry, collection))


def _protocol_columns(protocol: tuple[str, int]) -> tuple[Column, ...]:
    slug, title = protocol_slug(protocol), protocol_title(protocol)
    return (
        Column(f"miou_percent_{slug}", f"mIoU [%], {title}", numeric=True),
        Column(f"miou_low_percent_{slug}", "", shown=False),
        Column(f"miou_high_percent_{slug}", "", shown=False),
        Column(f"miou_sd_percent_{slug}", "", shown=False),
        Column(f"seeds_{slug}", "", shown=False),
        Column(f"pixel_accuracy_percent_{slug}", "", shown=False),
        Column(f"majority_miou_percent_{slug}", f"Majority class [%], {title}", numeric=True, detail=True, fold=True),
    )


def _row(entries: list[Evaluation], collection: Collection, paper: Sequence[PaperRow]) -> dict[str, Cell]:
    first = entries[0]
    record, dataset = first.record, first.record.dataset
    row = identity_cells(record) | {
        "checkpoint": Cell(checkpoint(first, collection)),
        "input_height_px": Cell(first.numbers.input_height),
        "input_width_px": Cell(first.numbers.input_width),
        "input": Cell(hw(first.numbers.input_height, first.numbers.input_width)),
        "normalization": Cell(
            ", ".join(filter(None, [normalization(first), "mirror image averaged in" if flips(first) else ""])) or None
        ),
    }
    if dataset:
        row |= {
            **dataset_cells(dataset, collection),
            "images": Cell(dataset.images), "dataset_version": Cell(dataset.version),
        }  # fmt: skip
    for protocol in sorted({protocol_of(entry.record) for entry in entries}):
        row |= _score(protocol_slug(protocol), [e for e in entries if protocol_of(e.record) == protocol])
    return row | _beside_paper(entries, collection, paper)


def _score(slug: str, entries: list[Evaluation]) -> dict[str, Cell]:
    scores = [entry.numbers.miou_percent for entry in entries]
    anchors = tuple(entry.anchor for entry in entries)
    average, interval = mean(scores), entries[0].numbers.miou_interval if len(entries) == 1 else None
    text = f"{average:.2f}"
    if interval:
        text += f" [{interval.low:.1f}, {interval.high:.1f}]"
    if len(scores) > 1:
        text += f" ± {stdev(scores):.2f} ({len(scores)} seeds)"
    majority = mean(entry.numbers.majority_miou_percent for entry in entries)
    return {
        f"miou_percent_{slug}": Cell(average, text, anchors),
        f"miou_low_percent_{slug}": Cell(interval.low if interval else None),
        f"miou_high_percent_{slug}": Cell(interval.high if interval else None),
        f"miou_sd_percent_{slug}": Cell(stdev(scores) if len(scores) > 1 else None),
        f"seeds_{slug}": Cell(len(scores)),
        f"pixel_accuracy_percent_{slug}": Cell(mean(entry.numbers.pixel_accuracy_percent for entry in entries)),
        f"majority_miou_percent_{slug}": Cell(majority, f"{majority:.2f}"),
    }


def _beside_paper(entries: list[Evaluation], collection: Collection, paper: Sequence[PaperRow]) -> dict[str, Cell]:
    first, dataset = entries[0], entries[0].record.dataset
    row = paper_row(paper, first.record.network.id, dataset.split if dataset else None)
    if row is None or dataset is None or not dataset.id.startswith(row.dataset):
        return {}  # the paper has no number for this dataset
    as_paper = [entry for entry in entries if protocol_of(entry.record)[0] == "paper"]
    # the newest version where several versions of the paper's protocol were run
    as_paper = [e for e in as_paper if protocol_of(e.record) == max(protocol_of(e.record) for e in as_paper)]
    chosen = as_paper or entries
    reasons = accuracy_differs(chosen[0], row, collection)
    cells = {
        _paper_key(row): Cell(row.miou_percent, f"{row.miou_percent:.1f}"),
        "paper_source": Cell(row.source),
    }
    if reasons:
        return cells | {"difference_points": Cell(None, "not comparable", mark="muted", notes=tuple(reasons))}
    difference = mean(entry.numbers.miou_percent for entry in chosen) - row.miou_percent
    return cells | {"difference_points": Cell(difference, signed(difference))}


def _places(paper: Sequence[PaperRow]) -> list[PaperRow]:
    """One row for each dataset and split the paper scored on: a column never holds numbers of two splits."""
    return [row for _, row in sorted({(row.dataset, row.split): row for row in paper}.items())]


def _paper_key(row: PaperRow) -> str:
    return f"paper_miou_percent_{row.dataset}_{row.split}"


def _paper_place(row: PaperRow) -> str:
    return f"{dataset_title(row.dataset).split(',')[0]} {row.split}"


def _build(inputs: Inputs) -> list[Table]:
    return [accuracy_table(inputs.collection, inputs.paper)] if inputs.collection.evaluation else []


PART = Part("accuracy", "Mean IoU", "accuracy", _build, order=10)
