"""What was trained, for how long, and where it ended."""

from hyperseg.records import TrainingNumbers
from hyperseg.report.collection import Collection, Entry, checkpoint_kept, training_key
from hyperseg.report.inputs import Inputs
from hyperseg.report.part import Part
from hyperseg.report.tables.identity import IDENTITY, dataset_cells, identity_cells
from hyperseg.report.tables.model import Cell, Column, Table
from hyperseg.report.tables.runtime import mib_cell, milliseconds

_COLUMNS = (
    *IDENTITY,
    Column("dataset", "Dataset", fold=True),
    Column("split", "Trained on", fold=True),
    Column("images", "Images", numeric=True, fold=True),
    Column("dataset_version", "", shown=False),
    Column("seed", "Seed", numeric=True, fold=True),
    Column("epochs", "Epochs", numeric=True, fold=True),
    Column("steps", "Steps", numeric=True, fold=True),
    Column("images_seen", "Images seen", numeric=True, fold=True),
    Column("final_loss", "Final loss", numeric=True),
    Column("checkpoint", "Checkpoint kept", fold=True),
    Column("best_miou_percent", "Best mIoU while training [%]", numeric=True),
    Column("device", "Device", fold=True),
    Column("precision", "Precision", fold=True),
    Column("step_median_ms", "Step, median [ms]", numeric=True),
    Column("peak_memory_mib", "Peak memory [MiB]", numeric=True),
    Column("duration_s", "Duration [min]", numeric=True),
)


def training_table(collection: Collection) -> Table:
    """One row per training run, seeds apart."""
    return Table(
        id="training",
        title="Training runs",
        caption="What was trained. Losses of different recipes or variants are not comparable.",
        columns=_COLUMNS,
        rows=tuple(_row(entry, collection) for entry in sorted(collection.training, key=training_key)),
        findings=("selection", "seed"),
    )


def _row(entry: Entry[TrainingNumbers], collection: Collection) -> dict[str, Cell]:
    record, numbers, here = entry.record, entry.numbers, (entry.anchor,)
    scored = [point.miou_percent for point in numbers.epochs if point.miou_percent is not None]
    best = max(scored, default=None)
    row = identity_cells(record) | {
        "seed": Cell(record.seed),
        "epochs": Cell(len(numbers.epochs)),
        "steps": Cell(numbers.steps),
        "images_seen": Cell(numbers.images_seen),
        "final_loss": Cell(numbers.final_loss, f"{numbers.final_loss:.3f}", here),
        "checkpoint": Cell(checkpoint_kept(numbers)),
        "best_miou_percent": Cell(best, f"{best:.2f}" if best is not None else "", here if best is not None else ()),
        "device": Cell(numbers.device),
        "precision": Cell(numbers.precision),
        "step_median_ms": Cell(numbers.step_median_ms, milliseconds(numbers.step_median_ms), here),
        "peak_memory_mib": mib_cell(numbers.peak_memory_bytes),
        "duration_s": Cell(record.whole_s, f"{record.whole_s / 60:.1f}", here),
    }
    if record.dataset:
        row |= {
            **dataset_cells(record.dataset, collection),
            "images": Cell(record.dataset.images),
            "dataset_version": Cell(record.dataset.version),
        }  # fmt: skip
    return row


def _build(inputs: Inputs) -> list[Table]:
    return [training_table(inputs.collection)] if inputs.collection.training else []


PART = Part("training", "Training runs", "training", _build)
