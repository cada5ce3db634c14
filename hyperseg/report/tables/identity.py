"""The columns that say which network and dataset a row is about; the same in every table."""

from hyperseg.records import DatasetRef, Record
from hyperseg.report.collection import Collection
from hyperseg.report.names import dataset_title, network_title
from hyperseg.report.tables.model import Cell, Column

IDENTITY = (
    Column("network", "Network"),
    Column("campaign", "Campaign", fold=True, detail=True),
    Column("network_source", "Source", fold=True, detail=True),
    Column("backbone", "Backbone", fold=True, detail=True),
    Column("backbone_weights", "Backbone weights", fold=True, detail=True),
    Column("slices", "Slices", fold=True, detail=True),
    Column("parameters", "", shown=False),
)


def dataset_cells(dataset: DatasetRef, collection: Collection) -> dict[str, Cell]:
    """The cells of the columns `dataset` and `split`."""
    return {
        "dataset": Cell(dataset.id, dataset_title(dataset.id)),
        "split": Cell(dataset.split, collection.split_label(dataset)),
    }


def identity_cells(record: Record) -> dict[str, Cell]:
    """The cells of :data:`IDENTITY` for one record."""
    network = record.network
    weights = network.backbone_weights
    return {
        "campaign": Cell(record.campaign),
        "network": Cell(network.id, network_title(network.id)),
        "network_source": Cell(network.source),
        "backbone": Cell(network.backbone),
        "backbone_weights": Cell(weights.source if weights else None, weights.source if weights else "none named"),
        "slices": Cell(network.slices),
        "parameters": Cell(network.parameters),
    }
