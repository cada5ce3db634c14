"""The columns that say which network a row is about; the same in every table."""

from hyperseg.records import Record
from hyperseg.report.names import network_title
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
