"""What a report is made from: records, and published facts."""

from dataclasses import dataclass

from hyperseg.report.collection import Collection
from hyperseg.report.facts import PaperRow, PeerRow


@dataclass(frozen=True)
class Inputs:
    """Everything a table or a figure may use."""

    collection: Collection
    paper: tuple[PaperRow, ...] = ()
    peers: tuple[PeerRow, ...] = ()
