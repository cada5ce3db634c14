"""IoU per class: one table per dataset, split and evaluation protocol; classes down, networks across."""

from dataclasses import replace
from statistics import mean

from hyperseg.report.collection import (
    Collection,
    Evaluation,
    Key,
    accuracy_key,
    dataset_key,
    grouped,
    protocol_of,
    protocol_slug,
    protocol_title,
)
from hyperseg.report.marks import evaluation_marks, titled
from hyperseg.report.names import dataset_title, distinct, network_title, slug
from hyperseg.report.part import Part
from hyperseg.report.tables.model import Cell, Column, Table

MOST_NETWORKS = 16  # networks side by side for a reader; the CSV has them all


def class_tables(collection: Collection) -> list[Table]:
    """Stable order: by dataset, split, version, protocol."""
    tables = [_table(entries, collection) for entries in class_groups(collection)]
    names = distinct(table.id for table in tables)  # two versions of one dataset
    return [replace(table, id=name) for table, name in zip(tables, names, strict=True)]


def class_groups(collection: Collection) -> list[list[Evaluation]]:
    """Evaluations whose classes may stand in one table."""

    def key(entry: Evaluation) -> Key:
        names = ",".join(c.name for c in entry.numbers.classes)
        return (*dataset_key(entry), *protocol_of(entry.record), names)

    return grouped(collection.evaluation, key)


def by_network(entries: list[Evaluation], collection: Collection) -> list[tuple[str, str, list[Evaluation]]]:
    """(column key, title, seeds) of each network in a group; titles say what differs where a network appears twice."""
    rows = grouped(entries, lambda entry: accuracy_key(entry, collection))
    ids = [row[0].record.network.id for row in rows]
    named = []
    for number, row in enumerate(rows):
        network = row[0].record.network
        twins = [other[0] for other in rows if other[0].record.network.id == network.id]
        suffix = f"_{ids[: number + 1].count(network.id)}" if len(twins) > 1 else ""
        marks = [evaluation_marks(twin, collection) for twin in twins]
        title = titled(network_title(network.id), evaluation_marks(row[0], collection), marks)
        named.append((f"{network.id}{suffix}", title, row))
    return named


def _table(entries: list[Evaluation], collection: Collection) -> Table:
    record = entries[0].record
    protocol = protocol_of(record)
    networks = by_network(entries, collection)
    columns = [
        Column(f"iou_percent_{key}", title, numeric=True, shown=number < MOST_NETWORKS)
        for number, (key, title, _) in enumerate(networks)
    ]
    classes = entries[0].numbers.classes
    rows = []
    for index, item in enumerate(classes):
        row = {"class": Cell(item.name), "pixels": Cell(item.pixels, f"{item.pixels:,}".replace(",", " "))}
        for key, _, seeds in networks:
            row[f"iou_percent_{key}"] = _iou(seeds, index)
        rows.append(row)
    rows.append(_mean_row(networks, sum(item.pixels for item in classes)))
    dataset = record.dataset.id if record.dataset else "none"
    split = record.dataset.split if record.dataset else "none"
    label = collection.split_label(record.dataset) if record.dataset else "none"
    more = len(networks) - MOST_NETWORKS
    return Table(
        id=slug("class_iou", dataset, split, protocol_slug(protocol)),
        title=f"IoU per class: {dataset_title(dataset)}, {label}, {protocol_title(protocol)}",
        caption=f"IoU per class in percent, one confusion matrix over the split ({_mean_rule(entries)}).",
        columns=(Column("class", "Class"), Column("pixels", "Pixels", numeric=True), *columns),
        rows=tuple(rows),
        findings=("classes", "absent"),
        remarks=(f"{more} more networks are in the CSV",) if more > 0 else (),
    )


def _mean_rule(entries: list[Evaluation]) -> str:
    if entries[0].numbers.absent_classes == "zero":
        return "a class found nowhere counts 0 in the mean"
    return "a class found nowhere is left out of the mean"


def _iou(seeds: list[Evaluation], index: int) -> Cell:
    values = [v for entry in seeds if (v := entry.numbers.classes[index].iou_percent) is not None]
    if not values:
        return Cell(None, "absent", mark="muted")
    return Cell(mean(values), f"{mean(values):.1f}", tuple(entry.anchor for entry in seeds))


def _mean_row(networks: list[tuple[str, str, list[Evaluation]]], pixels: int) -> dict[str, Cell]:
    row = {"class": Cell("mean", "mean", mark="good"), "pixels": Cell(pixels, f"{pixels:,}".replace(",", " "))}
    for key, _, seeds in networks:
        average = mean(entry.numbers.miou_percent for entry in seeds)
        anchors = tuple(entry.anchor for entry in seeds)
        row[f"iou_percent_{key}"] = Cell(average, f"{average:.1f}", anchors, mark="good")
    return row


PART = Part("classes", "IoU per class", "accuracy", lambda inputs: class_tables(inputs.collection), order=20)
